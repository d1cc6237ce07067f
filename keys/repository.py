"""The published folder's TUF repository, as whoever signs it sees it: the newest of each role, pending ones included.

A role's holder signs a new version and puts it into the folder; nobody believes it before a new snapshot and
timestamp name it. So files are written in an order in which a process killed at any point leaves a repository that
verifies: slices, role metadata, snapshot, and the timestamp last. Whoever writes holds a lock on the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from ecert.cli.files import read_bounded, write_atomic
from ecert.cli.published import REGISTRY, folder_reader, read_registry
from ecert.errors import CustodyError, EcertError, MalformedError, NotFoundError, Reason, RejectedError
from ecert.trust.metadata import drive, load_registry, refresh, target_hashes
from ecert.trust.screening import MAX_TARGETS
from ecert.trust.slices import MAX_SLICE
from ecert.trust.strict_json import write_time
from ecert.trust.tuf_keys import Sm2Key, Sm2Signer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

    from ecert.trust import Registry
    from ecert.trust.metadata import RegistryFiles, Wanted

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
T = TypeVar("T", Root, Targets, Snapshot, Timestamp)

_VERSIONED: Final = re.compile(r"([1-9][0-9]{0,8})\.([0-9A-Za-z]+)\.json")


class Repository:
    """One published folder, changed role by role."""

    def __init__(self, folder: Path, now: datetime) -> None:
        """Name the folder; `now` is the time of every signature, aware UTC, whole seconds."""
        self.folder = folder
        self.now = now
        self._metadata = folder / REGISTRY / "metadata"

    @property
    def exists(self) -> bool:
        """Whether there is a registry in the folder."""
        return (self._metadata / "1.root.json").exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against others who write here; not re-entrant.

        Raises:
            EcertError: there is no such folder.
        """
        try:
            descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise EcertError(Reason.USAGE, f"{self.folder} is no published folder: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    # Reading

    def versions(self, role: str) -> list[int]:
        """Return the versions of a role's metadata in the folder, newest first."""
        names = [path.name for path in self._metadata.iterdir()] if self._metadata.is_dir() else []
        found = (match for name in names if (match := _VERSIONED.fullmatch(name)) and match[2] == role)
        return sorted((int(match[1]) for match in found), reverse=True)

    def read(self, name: str) -> bytes:
        """Read a metadata file.

        Raises:
            NotFoundError: there is none.
        """
        return read_bounded(self._metadata / name, MAX_TARGETS, Reason.REGISTRY_MISSING)

    def root(self) -> Metadata[Root]:
        """Return the newest root.

        Raises:
            NotFoundError: the folder has no registry.
            MalformedError: it is not root metadata.
        """
        versions = self.versions(ROOT)
        if not versions:
            raise NotFoundError(
                Reason.REGISTRY_MISSING, f"there is no registry in {self.folder}: run registry init first"
            )
        return self._parse(f"{versions[0]}.root.json")

    def targets(self) -> Metadata[Targets]:
        """Return the newest metadata of the national targets role that the root vouches for.

        Raises:
            NotFoundError: there is none.
        """
        return self._newest(TARGETS, self.root().signed)

    def role(self, role: str) -> Metadata[Targets] | None:
        """Return the newest metadata of a delegated role that the nation vouches for; None before its first.

        Raises:
            RejectedError: there is some, and none of it is signed by the role's key.
        """
        if not self.versions(role):
            return None
        return self._newest(role, self.targets().signed)

    def role_key(self, role: str) -> Sm2Key:
        """Return the key that the registry has for a role (of `root`, its first).

        Raises:
            NotFoundError: there is no such role.
        """
        if role in (TARGETS, SNAPSHOT, TIMESTAMP):
            signed: Root | Targets = self.root().signed
        else:
            signed = self.targets().signed
        try:
            delegated, keys = signed.get_delegated_role(role), _keys(signed)
        except ValueError as error:
            raise NotFoundError(Reason.REGISTRY_MISSING, f"the registry has no role {role}") from error
        key = keys[delegated.keyids[0]]
        if not isinstance(key, Sm2Key):
            raise MalformedError(Reason.REGISTRY_MALFORMED, f"the key of {role} is not SM2")
        return key

    def roles(self) -> tuple[str, ...]:
        """Return the codes of the regions and ministries that have a role."""
        delegations = self.targets().signed.delegations
        return () if delegations is None or delegations.roles is None else tuple(delegations.roles)

    def slice(self, signed: Targets, path: str) -> bytes | None:
        """Return a slice that role metadata lists; None when it lists none of this path.

        Raises:
            RejectedError: the file is not the one that was signed.
            NotFoundError: it is missing.
        """
        target = signed.targets.get(path)
        if target is None:
            return None
        data = read_bounded(self._target(path, target), MAX_SLICE, Reason.REGISTRY_MISSING)
        if target_hashes(data) != target.hashes:
            raise RejectedError(Reason.REGISTRY_MIXED, f"{self._target(path, target)} is not what was signed")
        return data

    def _target(self, path: str, target: TargetFile) -> Path:
        folder, _, name = path.rpartition("/")
        return self.folder / REGISTRY / "targets" / folder / f"{target.hashes['sha256']}.{name}"

    def _newest(self, role: str, delegator: Root | Targets) -> Metadata[Targets]:
        problem: Exception | None = None
        for version in self.versions(role):
            metadata: Metadata[Targets] = self._parse(f"{version}.{role}.json")
            try:
                delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
            except (RepositoryError, ValueError) as error:
                problem = error
                continue
            if metadata.signed.version == version:
                return metadata
            problem = ValueError(f"version {metadata.signed.version} lies under the name of {version}")
        if problem is not None:
            raise RejectedError(
                Reason.REGISTRY_SIGNATURE_BAD, f"no metadata of {role} is signed by the key the registry has: {problem}"
            )
        raise NotFoundError(Reason.REGISTRY_MISSING, f"{self.folder} has no metadata of {role}")

    def _parse(self, name: str) -> Metadata[T]:
        try:
            return Metadata.from_bytes(self.read(name))
        except (RepositoryError, ValueError) as error:
            raise MalformedError(Reason.REGISTRY_MALFORMED, f"{self._metadata / name}: {error}") from error

    # Signing

    def sign(self, signed: T, lifetime: timedelta, signers: Iterable[Sm2Signer]) -> bytes:
        """Return the next version of some metadata, good for `lifetime` from now."""
        signed.expires = self.now + lifetime
        signed.unrecognized_fields["issuedAt"] = write_time(self.now)
        metadata = Metadata(signed)
        for signer in signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes(JSONSerializer(compact=True))

    def set_slices(self, signed: Targets, slices: Mapping[str, bytes]) -> None:
        """List slices in role metadata, and write the files that are new."""
        for path, data in slices.items():
            if not _lists(signed, path, data):
                signed.targets[path] = TargetFile(len(data), target_hashes(data), path)
                file = self._target(path, signed.targets[path])
                file.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(file, data)

    def write(self, name: str, data: bytes) -> Path:
        """Put a metadata file into the folder."""
        self._metadata.mkdir(parents=True, exist_ok=True)
        write_atomic(self._metadata / name, data)
        return self._metadata / name

    # Publishing

    def next_snapshot(self) -> Snapshot:
        """Return a snapshot of the newest of each role.

        A region's role whose newest does not verify, or is older than what was announced, stays as it was announced:
        its holder's mistake is nobody else's trouble.
        """
        held = self.snapshot()
        meta = dict(held.meta) if held else {}
        meta["targets.json"] = self._announce(TARGETS, self.targets().signed.version)
        for code in self.roles():
            name = f"{code}.json"
            try:
                metadata = self.role(code)
                if metadata is not None and (name not in meta or metadata.signed.version >= meta[name].version):
                    meta[name] = self._announce(code, metadata.signed.version)
            except EcertError:
                continue
        return Snapshot(version=held.version + 1 if held else 1, meta=meta, expires=self.now)

    def snapshot(self) -> Snapshot | None:
        """Return the newest snapshot; None before the first.

        Raises:
            NotFoundError: the timestamp names a newer one, which is missing.
        """
        versions, timestamp = self.versions(SNAPSHOT), self.timestamp()
        if timestamp is not None and timestamp.snapshot_meta.version not in versions:
            raise NotFoundError(
                Reason.REGISTRY_MISSING,
                f"{self._metadata} has lost {timestamp.snapshot_meta.version}.snapshot.json: bring it back from a copy",
            )
        if not versions:
            return None
        metadata: Metadata[Snapshot] = self._parse(f"{versions[0]}.snapshot.json")
        return metadata.signed

    def next_timestamp(self, snapshot: bytes, version: int) -> Timestamp:
        """Return a timestamp that names a snapshot."""
        held = self.timestamp()
        named = MetaFile(version, len(snapshot), {"sha256": hashlib.sha256(snapshot).hexdigest()})
        return Timestamp(version=held.version + 1 if held else 1, snapshot_meta=named, expires=self.now)

    def timestamp(self) -> Timestamp | None:
        """Return the timestamp in the folder; None before the first."""
        if not (self._metadata / "timestamp.json").exists():
            return None
        metadata: Metadata[Timestamp] = self._parse("timestamp.json")
        return metadata.signed

    def _announce(self, role: str, version: int) -> MetaFile:
        data = self.read(f"{version}.{role}.json")
        return MetaFile(version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})

    def check(self, pending: Mapping[str, bytes], *, now: datetime) -> Registry:
        """Load what would be published, as two windows do that pinned the first root: a new one, and one up to date.

        Args:
            pending: Metadata not written yet, by file name.
            now: The time to judge expiry by.

        Raises:
            CustodyError: SELF_CHECK_FAILED; it would not verify, or goes back. Nothing was published.
        """
        written = folder_reader(self.folder)

        def bring(wanted: Wanted) -> bytes | None:
            return pending.get(wanted.path.removeprefix("metadata/")) or written(wanted)

        root = self.read("1.root.json")
        held = self._held(root)
        try:
            files = drive(refresh(None, root, now=now), bring)
            if held is not None:
                drive(refresh(held, root, now=now), bring)
            return load_registry(files, root)
        except EcertError as error:
            raise CustodyError(
                Reason.SELF_CHECK_FAILED, f"the registry would not verify, and was not published: {error}"
            ) from error

    def _held(self, root: bytes) -> RegistryFiles | None:
        """Return what a window holds that is up to date; None where nothing in the folder verifies by now."""
        try:
            return read_registry(self.folder, root)
        except EcertError:
            return None


def _lists(signed: Targets, path: str, data: bytes) -> bool:
    return path in signed.targets and signed.targets[path].hashes == target_hashes(data)


def lists_all(signed: Targets, slices: Mapping[str, bytes]) -> bool:
    """Tell whether role metadata lists exactly these contents of these slices already."""
    return all(_lists(signed, path, data) for path, data in slices.items())


def _keys(signed: Root | Targets) -> Mapping[str, object]:
    if isinstance(signed, Root):
        return signed.keys
    return signed.delegations.keys if signed.delegations else {}


def require_free_of_problems(registry: Registry, codes: Iterable[str]) -> None:
    """Check that the parts just signed are in use.

    Raises:
        CustodyError: SELF_CHECK_FAILED; one is not.
    """
    for code in codes:
        problem = registry.problems.get(code)
        if problem is not None:
            raise CustodyError(Reason.SELF_CHECK_FAILED, f"the part of {code} would not be believed: {problem}")
