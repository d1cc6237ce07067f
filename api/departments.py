"""The departments that issue here: each with its key, as the registry has it now, and its seal, as the register."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.catalogue.book import TypeBook
from api.seals import SealBook
from ecert.cli.pixels import qr_modules
from ecert.errors import CustodyError, NotFoundError, Reason
from ecert.licence.codes import Phrase
from ecert.licence_file import FileMaker
from ecert.ofd.sealing import Sealer
from ecert.sm2 import sm3
from ecert.timestamp import issue_token
from ecert.trust import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from api.ledger import SqlLedger
    from api.registry import CurrentRegistry
    from api.settings import DepartmentSettings, OfficeSettings
    from ecert.ofd.fonts import FontSet
    from ecert.sm2 import Signer
    from ecert.trust import RegisteredKey, Registry

_SERIAL_BITS: Final = 127


@dataclass(frozen=True, slots=True)
class Keys:
    """What one department signs with.

    Attributes:
        settings: What was configured of it.
        signer: Its issuing key.
        tsa: The key of its time-stamping authority, if it has one.
    """

    settings: DepartmentSettings
    signer: Signer
    tsa: Signer | None


@dataclass(frozen=True, slots=True)
class Issuer:
    """A department ready to issue.

    Attributes:
        key: Its key, as the registry has it.
        signer: The same key.
        files: Makes its files; None where it has no seal.
        alone_up_to: How many licences one person may seal in one go.
    """

    key: RegisteredKey
    signer: Signer
    files: FileMaker | None
    alone_up_to: int


class Departments:
    """Those configured, by their USCC."""

    def __init__(
        self,
        keys: Mapping[str, Keys],
        registry: CurrentRegistry,
        fonts: FontSet,
        portal_host: str,
        clock: Callable[[], datetime],
    ) -> None:
        """Issue with these keys, as the registry has them at the time."""
        self._keys, self._registry = keys, registry
        self._fonts, self._portal_host, self._clock = fonts, portal_host, clock

    def codes(self) -> list[str]:
        """Return who they are."""
        return list(self._keys)

    def name(self, code: str) -> Phrase:
        """Return what a department is called in the registry; its code, where it is not there."""
        members = (key.member for key in self._registry.get().keys())  # noqa: SIM118  (it is no mapping)
        found = (Phrase(one.name_en, one.name) for one in members if one.code == code and one.role is Role.ISSUER)
        return next(found, Phrase("", code))

    def issuer(self, ledger: SqlLedger, department: str) -> Issuer:
        """Return a department ready to issue now.

        Raises:
            NotFoundError: ISSUER_UNKNOWN; it does not issue here.
            CustodyError: the registry does not have its key as an issuer's.
            VerificationError: the key has no standing now, or the seal is suspended or cancelled.
        """
        keys = self._keys.get(department)
        if keys is None:
            raise NotFoundError(Reason.ISSUER_UNKNOWN, f"the department {department} does not issue here")
        registry = self._registry.get()
        key = registered(registry, keys.signer, Role.ISSUER, self._clock())
        if key.member.code != department:
            raise CustodyError(Reason.KEY_MISMATCH, f"the key configured for {department} is another's")
        stamp = None if keys.tsa is None else time_stamper(registry, keys.tsa, self._clock)
        files = None
        if keys.settings.seal is not None:
            files = FileMaker(
                seal=SealBook(ledger.database).usable(keys.settings.seal, self._clock()),
                sealer=Sealer(keys.signer, key.certificate, stamp),
                fonts=self._fonts,
                draw_code=qr_modules,
                portal_host=self._portal_host,
                layout=lambda definition: TypeBook(ledger.database).layout(definition),
            )
        return Issuer(key, keys.signer, files, keys.settings.alone_up_to)


def open_departments(
    settings: OfficeSettings,
    registry: CurrentRegistry,
    fonts: FontSet,
    clock: Callable[[], datetime],
    signer: Callable[[str], Signer],
) -> Departments:
    """Open the keys of those who issue here.

    Raises:
        CustodyError: one cannot be used.
    """
    keys = {
        one.code: Keys(one, signer(one.signer), None if one.tsa is None else signer(one.tsa))
        for one in settings.departments
    }
    return Departments(keys, registry, fonts, settings.portal_host, clock)


def registered(registry: Registry, signer: Signer, role: Role, at: datetime) -> RegisteredKey:
    """Return a signing key as the registry has it, in standing at `at`.

    Raises:
        CustodyError: the registry does not have it in that role.
        VerificationError: it has no standing then.
    """
    key = registry.find(signer.public_key.key_id)
    if key is None or key.member.role is not role:
        raise CustodyError(Reason.KEY_MISMATCH, f"the signing key is not that of a registered {role.value}")
    registry.standing(key, at)
    return key


def time_stamper(registry: Registry, signer: Signer, clock: Callable[[], datetime]) -> Callable[[bytes], bytes]:
    """Return what issues timestamps with the key of a registered authority.

    Raises:
        CustodyError: the registry does not have the key as an authority's.
        VerificationError: it has no standing now.
    """
    certificate = registered(registry, signer, Role.TSA, clock()).certificate

    def stamp(value: bytes) -> bytes:
        serial = secrets.randbits(_SERIAL_BITS) | 1
        return issue_token(sm3(value), signer=signer, certificate=certificate, serial=serial, at=clock())

    return stamp
