"""The trust registry as TUF metadata and target files: brought up to date from a publisher, loaded from what is held.

Both go the same way, as steps that ask for one file after the other and never fetch any themselves:

1. roots, each signed by the one before it        4. national targets: the X.509 root, freshness budgets, delegations
2. timestamp                                      5. the role of every region and ministry
3. snapshot                                       6. the slices wanted, by SHA-256 and SM3

What fails in 1 to 4 stops everything, and what was held stays. What fails in 5 and 6 is the trouble of one region:
what was brought is kept as it came, so that loading finds the same fault and names it, and the next update asks
again. `tuf.ngclient.Updater` does the same over files and HTTP, and is the second opinion in the tests.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from ecert import cbor
from ecert.errors import EcertError, MalformedError, NotFoundError, Reason, RejectedError
from ecert.sm2 import sm3
from ecert.trust.assembly import NATIONAL, Slice, assemble
from ecert.trust.delegations import MAX_LEVELS, MAX_ROLES, TOP, Delegation, TrustedRole, read_role, supplied
from ecert.trust.places import Place, is_role_code
from ecert.trust.screening import MAX_ROOT, MAX_SNAPSHOT, MAX_TARGETS, MAX_TIMESTAMP
from ecert.trust.trusted import NEVER, Trusted

if TYPE_CHECKING:
    from datetime import datetime

    from tuf.api.metadata import MetaFile, TargetFile

    from ecert.trust.registry import Registry

RegistryFiles: TypeAlias = Mapping[str, bytes]
"""Everything held, by plain name: `2.root.json`, `timestamp.json`, `snapshot.json`, `targets.json`, `440000.json`, and
slices by target path, e.g. `registry/440000/common/status.json`. An empty file was wanted and not brought."""

MAX_ROOTS: Final = 64
"""The most roots that may follow the pinned one."""
MAX_EXPORT: Final = 512 * 1024 * 1024
"""The longest export in bytes."""

_MAX_EXPORT_ITEMS: Final = 400_000
_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z./-]{0,127}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to be brought: answered with its bytes, or with None when the publisher has none.

    Attributes:
        path: As published under `registry/`, e.g. `metadata/7.snapshot.json`.
        limit: The most bytes worth reading. Whoever reads further hands on one byte more, and it is refused.
        optional: Whether None is nothing out of the ordinary.
        name: As it is called in `RegistryFiles`.
    """

    path: str
    limit: int
    optional: bool
    name: str


Steps: TypeAlias = Generator[Wanted, bytes | None, T]


def drive(steps: Steps[T], bring: Callable[[Wanted], bytes | None]) -> T:
    """Bring everything that `steps` want, and return what they return.

    Raises:
        EcertError: whatever they refuse.
    """
    brought = None
    try:
        while True:
            brought = bring(steps.send(brought))
    except StopIteration as done:
        result: T = done.value
    return result


def refresh(
    held: RegistryFiles | None, root: bytes, *, now: datetime, wants: Callable[[str], bool] = lambda _: True
) -> Steps[RegistryFiles]:
    """Bring a registry up to date: yields what it wants, is sent the bytes, returns all files that are now held.

    What is held is not asked for again as long as it is what the publisher announces.

    Args:
        held: What was returned last time, or read from an export; verified again like anything from outside.
        root: The pinned root metadata.
        now: Expired national metadata is refused; a region's is taken, and shows as age. Aware.
        wants: Target path → whether its slice is needed. Of a region, nothing works without its `authority` slice.

    Returns:
        `held` itself when nothing changed.

    Raises:
        RejectedError: REGISTRY_ROLLBACK, REGISTRY_FROZEN, REGISTRY_MIXED, REGISTRY_SIGNATURE_BAD,
            REGISTRY_OUT_OF_BOUNDS: by the nation's part; held files stay good.
        MalformedError: REGISTRY_MALFORMED, or TOO_LARGE: likewise.
        NotFoundError: REGISTRY_MISSING: likewise.
    """
    update = yield from _Update.run(root, held or {}, now, wants)
    return held if held is not None and update.files == held else update.files


def load_registry(files: RegistryFiles, root: bytes) -> Registry:
    """Verify what is held and read it. Nothing is refused for its age, which the registry tells.

    Args:
        files: As `refresh` returned them.
        root: The pinned root metadata, of any version.

    Raises:
        MalformedError: the nation's part is not such metadata.
        RejectedError: it is not signed as it must be, or its parts do not belong together.
        NotFoundError: a part of it is missing.
    """
    update = drive(_Update.run(root, {}, NEVER, wants=files.__contains__), lambda wanted: files.get(wanted.name))
    return assemble(
        update.slices,
        version=update.trusted.version,
        issued_at=update.trusted.issued_at,
        fresh_until=update.trusted.fresh_until,
        problems=update.problems,
    )


@dataclass
class _Update:
    """One way through the steps, and what came of it."""

    trusted: Trusted
    held: RegistryFiles
    wants: Callable[[str], bool]
    files: dict[str, bytes] = field(default_factory=dict)
    roles: dict[str, TrustedRole] = field(default_factory=dict)
    slices: dict[Place, Slice] = field(default_factory=dict)
    problems: dict[str, EcertError] = field(default_factory=dict)

    @classmethod
    def run(cls, root: bytes, held: RegistryFiles, at: datetime, wants: Callable[[str], bool]) -> Steps[_Update]:
        update = cls(Trusted(root, at), held, wants)
        yield from update.take_roots()
        yield from update.take_timestamp()
        yield from update.take_snapshot()
        yield from update.take_nation()
        update.trusted.stop_judging_expiry()
        yield from update.take_regions()
        yield from update.take_slices()
        return update

    # 1
    def take_roots(self) -> Steps[None]:
        for _ in range(MAX_ROOTS):
            name = f"{self.trusted.next_root}.root.json"
            if name in self.held:
                with suppress(EcertError):
                    self.trusted.take_root(self.held[name])
                    self.files[name] = self.held[name]
                    continue
            data = yield Wanted(f"metadata/{name}", MAX_ROOT, optional=True, name=name)
            if data is None:
                return
            self.trusted.take_root(data)
            self.files[name] = data

    # 2
    def take_timestamp(self) -> Steps[None]:
        name = "timestamp.json"
        held = self.held.get(name)
        if held is not None:
            with suppress(EcertError):  # expired, it guards against older ones; by a key since rotated, it is dropped
                self.trusted.take_timestamp(held)
        data = yield Wanted(f"metadata/{name}", MAX_TIMESTAMP, optional=False, name=name)
        is_new = self.trusted.take_timestamp(_brought(data, name))
        self.files[name] = _brought(data if is_new else held, name)

    # 3
    def take_snapshot(self) -> Steps[None]:
        if "snapshot.json" in self.held:
            self.trusted.remember_snapshot(self.held["snapshot.json"])
        meta = self.trusted.snapshot_meta
        yield from self._part(_metadata("snapshot", meta, MAX_SNAPSHOT), self.trusted.take_snapshot)

    # 4
    def take_nation(self) -> Steps[None]:
        meta = self.trusted.role_meta(TOP)
        yield from self._part(_metadata(TOP, meta, MAX_TARGETS), self._take_nation)

    def _take_nation(self, data: bytes) -> None:
        self.roles[TOP] = read_role(self.trusted.take_role(data, TOP, "root"), None, None)

    # 5
    def take_regions(self) -> Steps[None]:
        """Go level by level, so that whom the nation itself delegates to, no region can delegate to otherwise."""
        level = [self.roles[TOP]]
        named = {TOP}
        for _ in range(1, MAX_LEVELS):
            delegated = [(parent, one) for parent in level for one in parent.delegations]
            level = []
            for parent, delegation in delegated:
                if delegation.role not in named:
                    if len(named) >= MAX_ROLES and parent.name != TOP:
                        self.problems[parent.name] = MalformedError(
                            Reason.TOO_LARGE, f"{parent.name} delegates beyond {MAX_ROLES} roles in all"
                        )
                        continue
                    named.add(delegation.role)
                    role = yield from self._take_region(parent, delegation)
                    level += [] if role is None else [role]

    def _take_region(self, parent: TrustedRole, delegation: Delegation) -> Steps[TrustedRole | None]:
        def accept(data: bytes) -> TrustedRole:
            targets = self.trusted.take_role(data, delegation.role, parent.name)
            return read_role(targets, delegation, parent)

        try:
            if not is_role_code(delegation.role):
                raise RejectedError(Reason.REGISTRY_OUT_OF_BOUNDS, "the code is neither a region's nor a ministry's")
            meta = self.trusted.role_meta(delegation.role)
            role = yield from self._part(_metadata(delegation.role, meta, MAX_TARGETS), accept)
        except EcertError as error:
            self.problems[delegation.role] = error
            return None
        self.roles[role.name] = role
        return role

    # 6
    def take_slices(self) -> Steps[None]:
        for path, target, role in supplied(self.roles):
            place = Place.parse(path)
            if place is not None and (place in NATIONAL or self.wants(path)):
                yield from self._take_slice(place, target, role)

    def _take_slice(self, place: Place, target: TargetFile, role: TrustedRole) -> Steps[None]:
        folder, _, name = place.path.rpartition("/")
        published = f"targets/{folder}/{target.hashes['sha256']}.{name}"
        wanted = Wanted(published, target.length, optional=False, name=place.path)
        try:
            data = yield from self._part(wanted, lambda data: _require_announced(place, target, data))
        except EcertError as error:
            if place in NATIONAL:
                raise
            self.problems.setdefault(place.owner, error)
        else:
            self.slices[place] = Slice(data, role.expires)

    def _part(self, wanted: Wanted, accept: Callable[[bytes], T]) -> Steps[T]:
        """Take a file that is announced by version or hash: the one held if it is that one, else as it is brought."""
        held = self.held.get(wanted.name)
        if held is not None:
            with suppress(EcertError):
                accepted = accept(held)
                self.files[wanted.name] = held
                return accepted
        data = yield wanted
        self.files[wanted.name] = (data or held or b"")[: wanted.limit + 1]
        data = _brought(data, wanted.name)
        if len(data) > wanted.limit:
            raise MalformedError(Reason.TOO_LARGE, f"{wanted.name}: more than the {wanted.limit} bytes announced")
        return accept(data)


def _metadata(role: str, meta: MetaFile, limit: int) -> Wanted:
    length = limit if meta.length is None else min(meta.length, limit)
    return Wanted(f"metadata/{meta.version}.{role}.json", length, optional=False, name=f"{role}.json")


def _brought(data: bytes | None, name: str) -> bytes:
    if not data:
        raise NotFoundError(Reason.REGISTRY_MISSING, f"{name} is not there")
    return data


def _require_announced(place: Place, target: TargetFile, data: bytes) -> bytes:
    """Return a slice if it is, by length and both hashes, the one its role announced.

    Raises:
        RejectedError: REGISTRY_MIXED, it is not.
    """
    if len(data) != target.length or target.hashes != target_hashes(data):
        raise RejectedError(Reason.REGISTRY_MIXED, f"{place.path}: not the file announced, by its length or hashes")
    return data


def target_hashes(data: bytes) -> dict[str, str]:
    """Return the hashes by which a role announces a target file, in hex."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "sm3": sm3(data).hex()}


def export_files(files: RegistryFiles) -> bytes:
    """Write `registry.bin`, one offline file: canonical CBOR, name → bytes. Its parts carry their own signatures."""
    content: dict[int | str, cbor.Value] = dict(files.items())
    return cbor.encode(content)


def read_export(data: bytes) -> RegistryFiles:
    """Read the files of an export from hostile bytes; nothing in them is verified yet.

    Raises:
        MalformedError: TOO_LARGE, or REGISTRY_MALFORMED: not an export.
    """
    content = cbor.decode(data, limit=MAX_EXPORT, reason=Reason.REGISTRY_MALFORMED, items=_MAX_EXPORT_ITEMS)
    if not isinstance(content, dict):
        raise MalformedError(Reason.REGISTRY_MALFORMED, "not an export of a registry")
    files = {}
    for name, part in content.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or not isinstance(part, bytes):
            raise MalformedError(Reason.REGISTRY_MALFORMED, "not an export of a registry")
        files[name] = part
    return files
