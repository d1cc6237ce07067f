"""The steps of a TUF client (specification, 5.3 to 5.6), each refusing in our words.

This is the one module that uses `TrustedMetadataSet`, which python-tuf keeps private and whose version is pinned
for it: it alone takes a reference time, and so can tell a window without a network what it holds, expired or not.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tuf.api.exceptions import EqualVersionNumberError
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from ecert.errors import EcertError, NotFoundError, Reason
from ecert.trust.delegations import TOP
from ecert.trust.screening import MAX_ROOT, MAX_SNAPSHOT, MAX_TARGETS, MAX_TIMESTAMP, in_our_words, screen
from ecert.trust.strict_json import read_time

if TYPE_CHECKING:
    from tuf.api.metadata import MetaFile, Targets

NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
"""As the time to judge expiry by: nothing has expired."""


class Trusted:
    """What is trusted so far; the pinned root at first. A step that raises leaves it as it was, or wiser."""

    def __init__(self, root: bytes, at: datetime) -> None:
        """Begin with a pinned root, which needs no proof.

        Args:
            root: TUF root metadata.
            at: The time to judge expiry by, aware; or `NEVER`.

        Raises:
            MalformedError: not root metadata.
            RejectedError: not signed by its own keys.
        """
        screen("the pinned root", root, MAX_ROOT)
        with in_our_words("the pinned root"):
            self._set = TrustedMetadataSet(root, EnvelopeType.METADATA)
        self._set.reference_time = at

    @property
    def next_root(self) -> int:
        """The version that the next root would have."""
        return self._set.root.version + 1

    def take_root(self, data: bytes) -> None:
        """Take the next root, signed by the keys of the last one and by its own.

        Raises:
            MalformedError: not root metadata.
            RejectedError: another version, or not signed by enough keys of both.
        """
        name = f"{self.next_root}.root.json"
        screen(name, data, MAX_ROOT, version=self.next_root)
        with in_our_words(name):
            self._set.update_root(data)

    def take_timestamp(self, data: bytes) -> bool:
        """Take a timestamp; False when it is of the version held, which then stays.

        Raises:
            MalformedError: not a timestamp.
            RejectedError: not signed, older than what is held, or expired; then it still guards against older ones.
        """
        screen("timestamp.json", data, MAX_TIMESTAMP)
        with in_our_words("timestamp.json"):
            try:
                self._set.update_timestamp(data)
            except EqualVersionNumberError:
                return False
        return True

    @property
    def snapshot_meta(self) -> MetaFile:
        """What the timestamp says of the snapshot."""
        return self._set.timestamp.snapshot_meta

    def remember_snapshot(self, data: bytes) -> None:
        """Let a snapshot held from before guard against older ones, if it is still signed by a trusted key."""
        with suppress(EcertError), in_our_words("snapshot.json"):
            screen("snapshot.json", data, MAX_SNAPSHOT)
            self._set.update_snapshot(data, trusted=True)

    def take_snapshot(self, data: bytes) -> None:
        """Take the snapshot that the timestamp names.

        Raises:
            MalformedError: not a snapshot.
            RejectedError: not the one named, not signed, expired, or a role in it goes back or disappears.
        """
        screen("snapshot.json", data, MAX_SNAPSHOT, version=self.snapshot_meta.version)
        with in_our_words("snapshot.json", otherwise=Reason.REGISTRY_ROLLBACK):
            self._set.update_snapshot(data)

    def role_meta(self, role: str) -> MetaFile:
        """Return what the snapshot says of a targets role.

        Raises:
            NotFoundError: nothing.
        """
        meta = self._set.snapshot.meta.get(f"{role}.json")
        if meta is None:
            raise NotFoundError(Reason.REGISTRY_MISSING, f"the snapshot does not have {role[:40]}")
        return meta

    def take_role(self, data: bytes, role: str, delegator: str) -> Targets:
        """Take the metadata of a targets role that the snapshot names.

        Raises:
            MalformedError: not targets metadata.
            RejectedError: not the one named, not signed by enough of the keys its delegator named, or expired.
            NotFoundError: the snapshot does not have it.
        """
        name = f"{role}.json"
        screen(name, data, MAX_TARGETS, version=self.role_meta(role).version)
        with in_our_words(name):
            if role == TOP:
                return self._set.update_targets(data)
            return self._set.update_delegated_targets(data, role, delegator)

    def stop_judging_expiry(self) -> None:
        """From here on nothing is too old: that of a region shows as its age, and is nobody else's trouble."""
        self._set.reference_time = NEVER

    @property
    def version(self) -> int:
        """The version of the snapshot."""
        return self._set.snapshot.version

    @property
    def issued_at(self) -> datetime:
        """When the timestamp was signed, aware UTC."""
        return read_time(self._set.timestamp.unrecognized_fields["issuedAt"])

    @property
    def fresh_until(self) -> datetime:
        """When the first of root, timestamp, snapshot and targets expires, aware UTC."""
        held = (self._set.root, self._set.timestamp, self._set.snapshot, self._set.targets)
        return min(signed.expires for signed in held)
