"""Lists that a region signs into the published folder: again when something changed, or half of their time is over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from ecert.errors import EcertError

if TYPE_CHECKING:
    from api.folder import StatusFolder
    from ecert.revocation import RegionStatus
    from ecert.sm2 import Signer
    from ecert.trust import Registry

Times: TypeAlias = tuple[datetime, datetime]
"""When a list was signed, and until when it may be relied on."""


class SignedList(ABC):
    """One list of a region."""

    NAME: ClassVar[str]
    """Of its file."""

    def __init__(self, folder: StatusFolder, signer: Signer) -> None:
        """Sign with the region's status key."""
        self._folder, self._signer = folder, signer
        self._version = -1
        self._renewal: datetime | None = None

    @abstractmethod
    def _newest(self) -> int:
        """Return a number that grows with every change of what the list says."""

    @abstractmethod
    def _read(self, data: bytes, registry: Registry, now: datetime) -> Times | None:
        """Return the times of a list that was put out, when it still says what is so.

        Raises:
            EcertError: it does not verify.
        """

    @abstractmethod
    def _seal(self, status: RegionStatus, times: Times) -> bytes:
        """Return what is so as a signed list, with the number of a step of the status chain."""

    def resume(self, registry: Registry, *, now: datetime) -> None:
        """Find out whether what lies in the folder is what there is to say."""
        data = self._folder.read_list(self.NAME)
        if data is None:
            return
        with suppress(EcertError):
            times = self._read(data, registry, now)
            if times is not None:
                self._version, self._renewal = self._newest(), _half(times)

    def is_due(self, at: datetime) -> bool:
        """Tell whether another list is to be signed."""
        return self._renewal is None or at >= self._renewal or self._version != self._newest()

    def put_out(self, status: RegionStatus) -> None:
        """Put out a list with a step of the status chain, when one is due; it has that step's number.

        Raises:
            CustodyError: the key cannot be used.
        """
        if not self.is_due(status.issued_at):
            return
        version, times = self._newest(), (status.issued_at, status.fresh_until)
        self._folder.put_list(self.NAME, self._seal(status, times))
        self._version, self._renewal = version, _half(times)


def _half(times: Times) -> datetime:
    start, end = times
    return start + (end - start) / 2
