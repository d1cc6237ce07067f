"""What a window holds, as one value: pinned root, trust registry; of each region a status chain, pages, and its seals.

Every part carries its own signature and is verified before it is taken, whoever brought it: a publisher, a
cache, a file. Taking a part returns new holdings; refusing one raises, and what was held stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ecert.bundle import BundleContent, decode_bundle, encode_bundle
from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.revocation import (
    RegionStatus,
    StatusView,
    load_delta,
    load_page,
    load_seal_list,
    load_snapshot,
)
from ecert.trust.metadata import drive, load_registry, refresh

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ecert.revocation import PageKey, SealStatusList
    from ecert.trust import Registry
    from ecert.trust.metadata import RegistryFiles

MAX_CHAIN: Final = 4096
"""The most deltas kept after a snapshot; a publisher makes a new snapshot long before."""

_NEVER_EXPIRES: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER_FUTURE: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Chain:
    """A region's status as it was signed: a snapshot, and the deltas that followed it.

    Attributes:
        base: The snapshot's sequence number; delta number i has base + i + 1.
        snapshot: Sealed bytes.
        deltas: Sealed bytes, in order.
    """

    base: int
    snapshot: bytes
    deltas: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything a window knows. `registry` is None before the first update.

    Attributes:
        root: The pinned TUF root metadata, any version.
        files: The registry as it was signed.
        registry: The registry, verified.
        chains: Region → its status as it was signed.
        status: The same, verified and ready to be asked.
        pages: Details as they were signed.
        seal_lists: Region → the status of its seals as it was signed.
        seals: The same, verified and ready to be asked.
        problems: Part → why it is not in use, e.g. `status/440000`.
        floors: Region → issue time of what was dropped with a fallen status key: nothing older is taken again.
    """

    root: bytes
    files: RegistryFiles = field(default_factory=dict)
    registry: Registry | None = None
    chains: Mapping[str, Chain] = field(default_factory=dict)
    status: StatusView = field(default_factory=StatusView)
    pages: Mapping[PageKey, bytes] = field(default_factory=dict)
    seal_lists: Mapping[str, bytes] = field(default_factory=dict)
    seals: Mapping[str, SealStatusList] = field(default_factory=dict)
    problems: Mapping[str, EcertError] = field(default_factory=dict)
    floors: Mapping[str, datetime] = field(default_factory=dict)

    def take_registry(self, files: RegistryFiles) -> Holdings:
        """Take over registry files that `ecert.trust.metadata.refresh` returned for these holdings.

        When their content changed, status chains are verified again: a status key may have fallen with it. Nothing
        is forgotten for less: of a region whose part is broken, or whose status no longer verifies for another
        reason, what is held stays, so that nobody can lead a window back by showing it something broken first.

        Raises:
            EcertError: they do not verify.
        """
        registry = load_registry(files, self.root)
        taken = replace(self, files=files, registry=registry, problems=self._problems_with(registry))
        if self.registry is not None and _content(files) == _content(self.files):
            return taken
        for region in registry.regions.keys() & self.chains.keys():
            taken = taken.verified_again(region)
        for region in registry.regions.keys() & self.seal_lists.keys():
            taken = taken.seals_verified_again(region)
        return taken

    def verified_again(self, region: str) -> Holdings:
        """Verify a region's status by the registry held now."""
        walked = _walk(_parts(self.chains[region]), self._registry())
        if walked.problem is None:
            return self._without_problem(f"status/{region}")
        fallen = walked.problem.reason is Reason.CERTIFICATE_REVOKED
        return _noted(self.without_status(region) if fallen else self, f"status/{region}", walked.problem)

    def seals_verified_again(self, region: str) -> Holdings:
        """Verify the status of a region's seals by the registry held now; what a fallen key had signed is dropped."""
        try:
            load_seal_list(self.seal_lists[region], self._registry(), now=_NEVER_FUTURE)
        except EcertError as error:
            fallen = error.reason is Reason.CERTIFICATE_REVOKED
            return _noted(self._without_seals(region) if fallen else self, f"seals/{region}", error)
        return self._without_problem(f"seals/{region}")

    def _without_seals(self, region: str) -> Holdings:
        return replace(
            self,
            seal_lists={name: data for name, data in self.seal_lists.items() if name != region},
            seals={name: one for name, one in self.seals.items() if name != region},
            floors=self._raised(region, self.seals[region].issued_at),
        )

    def without_status(self, region: str) -> Holdings:
        """Drop what a fallen status key had signed; what comes next is not older, whoever signed it."""
        held = self.status.regions[region]
        kept = {key: sealed for key, sealed in self.pages.items() if key[0] != region}
        return replace(
            self,
            chains={name: chain for name, chain in self.chains.items() if name != region},
            status=StatusView(
                {name: one for name, one in self.status.regions.items() if name != region},
                {key: page for key, page in self.status.pages.items() if key[0] != region},
            ),
            pages=kept,
            floors=self._raised(region, held.issued_at),
        )

    def take_export(self, files: RegistryFiles) -> Holdings:
        """Take over registry files from an offline bundle: never anything older, and expiry shows as age.

        Raises:
            EcertError: they do not verify, or are older than what is held.
        """
        update = refresh(self.files or None, self.root, now=_NEVER_EXPIRES, wants=files.__contains__)
        return self.take_registry(drive(update, lambda wanted: files.get(wanted.name)))

    def take_snapshot(self, region: str, data: bytes, now: datetime) -> Holdings:
        """Take a region's snapshot: a newer one, or one that the deltas held lead on from.

        Raises:
            MalformedError: not a snapshot.
            RejectedError: not signed by a region's status key, another region's, or older than what is held.
            UndeterminedError: the evidence about its signer is missing.
        """
        offered = load_snapshot(data, self._registry(), now=now)
        if offered.region != region:
            raise RejectedError(Reason.STATUS_FOREIGN, f"the snapshot is {offered.region}'s, not that of {region}")
        self._require_above_floor(region, offered.issued_at)
        held = self.status.of(offered.region)
        chain = Chain(offered.sequence, data)
        if held is not None and offered.sequence < held.sequence:
            offered, chain = self._rebased(offered, chain, held, now)
        elif held is not None and offered.sequence == held.sequence and offered.head != held.head:
            raise RejectedError(
                Reason.STATUS_ROLLBACK, f"another history of {held.region} than the one held, at {held.sequence}"
            )
        return self._with(offered, chain)

    def _rebased(
        self, offered: RegionStatus, chain: Chain, held: RegionStatus, now: datetime
    ) -> tuple[RegionStatus, Chain]:
        """Put the deltas held behind an older snapshot, so that nothing is forgotten and the chain gets shorter."""
        mine = self.chains[held.region]
        kept = mine.deltas[offered.sequence - mine.base :] if offered.sequence >= mine.base else ()
        for delta in kept:
            offered = load_delta(delta, self._registry(), offered, now=now)
        if offered.sequence != held.sequence or offered.head != held.head:
            raise RejectedError(
                Reason.STATUS_ROLLBACK, f"sequence {chain.base} is offered, {held.sequence} of {held.region} is held"
            )
        return offered, replace(chain, deltas=kept)

    def take_delta(self, region: str, data: bytes, now: datetime) -> Holdings:
        """Take the next step of a region's chain.

        Raises:
            MalformedError: not a delta, or the chain is too long: a snapshot is due.
            RejectedError: not the region's, a replay, or it does not follow what is held.
            UndeterminedError: the evidence about its signer is missing.
        """
        held, chain = self.status.of(region), self.chains.get(region)
        if held is None or chain is None:
            raise RejectedError(Reason.STATUS_GAP, f"no snapshot of {region} is held that a delta could follow")
        if len(chain.deltas) >= MAX_CHAIN:
            raise MalformedError(Reason.TOO_LARGE, f"{MAX_CHAIN} deltas of {region} are held: a snapshot is due")
        taken = load_delta(data, self._registry(), held, now=now)
        return self._with(taken, replace(chain, deltas=(*chain.deltas, data)))

    def take_page(self, data: bytes, now: datetime) -> Holdings:
        """Take a page of details; an older one than is held is left.

        Raises:
            MalformedError: not a page.
            RejectedError: not signed by its region's status key.
            UndeterminedError: the evidence about its signer is missing.
        """
        page = load_page(data, self._registry(), now=now)
        held = self.status.pages.get(page.key)
        if held is not None and held.sequence >= page.sequence:
            return self
        status = self.status.with_page(page)
        kept = {key: sealed for key, sealed in self.pages.items() if key in status.pages}
        return replace(self._without_problem("pages"), status=status, pages={**kept, page.key: data})

    def take_seals(self, region: str, data: bytes, now: datetime) -> Holdings:
        """Take the status of a region's seals.

        Raises:
            MalformedError: it is none.
            RejectedError: not signed by the region's status key, another region's, or older than what is held.
            UndeterminedError: the evidence about its signer is missing.
        """
        held = self.seals.get(region)
        listing = load_seal_list(data, self._registry(), now=now, held=held)
        if listing.region != region:
            raise RejectedError(Reason.STATUS_FOREIGN, f"a list of the seals of {listing.region}, not of {region}")
        self._require_above_floor(region, listing.issued_at)
        if listing == held:
            return self
        return replace(
            self._without_problem(f"seals/{region}"),
            seal_lists={**self.seal_lists, region: data},
            seals={**self.seals, region: listing},
        )

    def take_chains(self, chains: Mapping[str, Sequence[bytes]], pages: Iterable[bytes]) -> Holdings:
        """Take what a bundle or a cache holds, part by part: what does not verify is named in `problems` and left."""
        holdings = self
        for region, parts in chains.items():
            holdings = holdings._take_chain(region, parts)
        for data in pages:
            try:
                holdings = holdings.take_page(data, _NEVER_FUTURE)
            except EcertError as error:
                holdings = _noted(holdings, "pages", error)
        return holdings

    def _take_chain(self, region: str, parts: Sequence[bytes]) -> Holdings:
        walked = _walk(parts, self._registry())
        part, offered, held = f"status/{region}", walked.status, self.status.of(region)
        try:
            if offered is None or offered.region != region:
                raise walked.problem or RejectedError(
                    Reason.STATUS_FOREIGN, f"the status of another region than {region}"
                )
            self._require_above_floor(region, offered.issued_at)
            if held is not None and offered.sequence <= held.sequence:
                self._require_same_history(held, walked)
                return self
            if held is not None and walked.base <= held.sequence:
                self._require_same_history(held, walked)
            taken = self._with(offered, Chain(walked.base, parts[0], tuple(parts[1 : walked.taken])))
        except EcertError as error:
            return _noted(self, part, error)
        return taken if walked.problem is None else _noted(taken, part, walked.problem)

    @staticmethod
    def _require_same_history(held: RegionStatus, walked: _Walk) -> None:
        """Check that a chain goes through what is held, or what is held may go through it."""
        if walked.heads.get(held.sequence, held.head) != held.head or (walked.status or held).sequence < held.sequence:
            raise RejectedError(
                Reason.STATUS_ROLLBACK, f"what is offered of {held.region} does not lead on from {held.sequence}, held"
            )

    def _require_above_floor(self, region: str, issued_at: datetime) -> None:
        floor = self.floors.get(region)
        if floor is not None and issued_at < floor:
            raise RejectedError(
                Reason.STATUS_ROLLBACK, f"issued at {issued_at:%F %T}Z, before what a fallen key had signed"
            )

    def _raised(self, region: str, issued_at: datetime) -> dict[str, datetime]:
        """Return the floors with a region's not below `issued_at`."""
        return {**self.floors, region: max(issued_at, self.floors.get(region, issued_at))}

    def take_bundle(self, data: bytes) -> Holdings:
        """Take everything newer from an offline bundle.

        Raises:
            EcertError: it is not a bundle, or its registry does not verify or is older than what is held.
        """
        content = decode_bundle(data)
        return self.take_export(content.registry).take_content(content)

    def take_content(self, content: BundleContent) -> Holdings:
        """Take chains, pages and seals of a bundle, part by part, as `take_chains`."""
        holdings = self.take_chains(content.status, content.pages)
        for region, listing in content.seals.items():
            try:
                holdings = holdings.take_seals(region, listing, _NEVER_FUTURE)
            except EcertError as error:
                if error.reason is not Reason.STATUS_ROLLBACK:  # an older list than is held is no news
                    holdings = _noted(holdings, f"seals/{region}", error)
        return holdings

    def encode(self) -> bytes:
        """Write an offline bundle."""
        return encode_bundle(
            BundleContent(
                registry=self.files,
                status={region: _parts(chain) for region, chain in self.chains.items()},
                pages=[*self.pages.values()],
                seals=self.seal_lists,
                floors=self.floors,
            )
        )

    def _registry(self) -> Registry:
        if self.registry is None:
            raise RejectedError(Reason.REGISTRY_MISSING, "no trust registry is held to verify this by")
        return self.registry

    def _with(self, status: RegionStatus, chain: Chain) -> Holdings:
        part = f"status/{status.region}"
        return replace(
            self,
            status=self.status.replaced(status),
            chains={**self.chains, status.region: chain},
            problems={name: error for name, error in self.problems.items() if name != part},
        )

    def _without_problem(self, part: str) -> Holdings:
        return replace(self, problems={name: error for name, error in self.problems.items() if name != part})

    def _problems_with(self, registry: Registry) -> dict[str, EcertError]:
        others = {name: error for name, error in self.problems.items() if not name.startswith("registry/")}
        return others | _registry_problems(registry)


def load_holdings(root: bytes, data: bytes | None) -> Holdings:
    """Load what a window held: everything verified again. A broken status chain is left out and named.

    Args:
        root: The pinned root metadata.
        data: A bundle; None for a window that holds nothing yet.

    Raises:
        EcertError: the root, the bundle or its registry does not verify.
    """
    holdings = Holdings(root)
    if data is None:
        return holdings
    content = decode_bundle(data)
    return replace(holdings.take_export(content.registry), floors=content.floors).take_content(content)


def _noted(holdings: Holdings, part: str, error: EcertError) -> Holdings:
    """Note why a part is not in use."""
    return replace(holdings, problems={**holdings.problems, part: error})


@dataclass(frozen=True, slots=True)
class _Walk:
    """How far a chain verifies: the status it leads to, and the head after each step."""

    base: int
    status: RegionStatus | None
    heads: Mapping[int, bytes]
    taken: int
    problem: EcertError | None


def _walk(parts: Sequence[bytes], registry: Registry) -> _Walk:
    """Verify a snapshot and the deltas that follow it, up to the first that does not."""
    status: RegionStatus | None = None
    heads: dict[int, bytes] = {}
    base = taken = 0
    problem: EcertError | None = None
    try:
        for data in parts[: MAX_CHAIN + 1]:
            if status is None:
                status = load_snapshot(data, registry, now=_NEVER_FUTURE)
                base = status.sequence
            else:
                status = load_delta(data, registry, status, now=_NEVER_FUTURE)
            heads[status.sequence] = status.head
            taken += 1
    except EcertError as error:
        problem = error
    return _Walk(base, status, heads, taken, problem)


def _content(files: RegistryFiles) -> dict[str, bytes]:
    """Return everything but the timestamp, which only says that the rest is still current."""
    return {name: data for name, data in files.items() if name != "timestamp.json"}


def _parts(chain: Chain) -> tuple[bytes, ...]:
    return (chain.snapshot, *chain.deltas)


def _registry_problems(registry: Registry) -> dict[str, EcertError]:
    return {f"registry/{region}": error for region, error in registry.problems.items()}
