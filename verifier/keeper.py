"""What one process knows, how it came to know it, and how that is kept over a restart.

`Keeper.holdings` is one attribute that is replaced whole: verifying a licence reads it once and never waits for an
update. Everything offered is verified in a thread, one offer at a time; what is refused leaves the holdings as they
were, and is counted by its reason.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ecert.bundle import MAX_BUNDLE
from ecert.cli.bundle import BUNDLE, load_root
from ecert.cli.files import read_bounded, write_atomic
from ecert.errors import EcertError, Reason
from ecert.holdings import Holdings, load_holdings
from ecert.licence.codes import area_prefix, check_region_code
from ecert.trust import Role
from ecert.trust.metadata import refresh
from ecert.trust.places import NATION, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

SAVE_EVERY: Final = 3.0
"""The least seconds between two savings."""
_ABANDONED: Final = 600.0
"""Age in seconds from which a half-written file was left by a process that is gone."""

_log = logging.getLogger("verifier")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a part is not brought up to date at the moment.

    Attributes:
        reason: Stable code.
        detail: One English sentence.
        since: When it began, by the clock.
    """

    reason: Reason
    detail: str
    since: datetime


class Keeper:
    """The holdings of one process, and how they fare."""

    def __init__(
        self,
        holdings: Holdings,
        clock: Callable[[], datetime],
        folder: Path | None = None,
        regions: Collection[str] = (),
    ) -> None:
        """Begin with `holdings`.

        Args:
            holdings: What is held.
            clock: Returns the time, aware.
            folder: Where the holdings are saved; None: nowhere.
            regions: Codes of the regions whose slices of the registry are wanted; none: every region's.
        """
        self.holdings = holdings
        self.clock = clock
        self._prefixes = tuple(area_prefix(require_region(region)) for region in regions)
        self.refusals: Counter[Reason] = Counter()
        self.troubles: dict[str, Trouble] = {}
        self._changes: list[asyncio.Event] = []
        self._folder = folder
        self._saved: Holdings = holdings
        self._one_at_a_time = asyncio.Lock()

    def wants(self, path: str) -> bool:
        """Tell whether a slice of the registry is wanted: its region lies in one of those asked for, or is the nation.

        Licences of a region that is left out are "cannot tell": their issuers are not known here.
        """
        place = Place.parse(path)
        return not self._prefixes or place is None or place.region == NATION or place.region.startswith(self._prefixes)

    async def take(self, part: str, step: Callable[[Holdings], Holdings]) -> bool:
        """Offer something to the holdings, and tell whether they changed.

        Args:
            part: What it is about, for health: `registry`, `status/440000`.
            step: Takes it over, or raises; run in a thread.

        Raises:
            EcertError: it was refused; the holdings are as they were, and the caller notes it.
        """
        async with self._one_at_a_time:
            before = self.holdings
            self.holdings = taken = await asyncio.to_thread(step, before)
        self.well(part)
        if _signed(taken) == _signed(before):
            return False
        for event in self._changes:
            event.set()
        return True

    async def take_snapshot(self, region: str, data: bytes) -> bool:
        """Offer a region's snapshot; as `take`."""
        return await self.take(f"status/{region}", lambda holdings: holdings.take_snapshot(region, data, self.clock()))

    async def take_delta(self, region: str, sequence: int, data: bytes) -> bool:
        """Offer what is said to be delta `sequence` of a region; as `take`."""

        def step(holdings: Holdings) -> Holdings:
            held = holdings.status.of(region)
            if held is not None and held.sequence >= sequence:
                return holdings  # it came another way meanwhile
            return holdings.take_delta(region, data, self.clock())

        return await self.take(f"status/{region}", step)

    async def take_page(self, data: bytes) -> bool:
        """Offer a page of details; as `take`."""
        return await self.take("pages", lambda holdings: holdings.take_page(data, self.clock()))

    async def take_seals(self, region: str, data: bytes) -> bool:
        """Offer the status of a region's seals; as `take`."""
        return await self.take(f"seals/{region}", lambda holdings: holdings.take_seals(region, data, self.clock()))

    def changes(self) -> asyncio.Event:
        """Return an event that is set at every change; its owner clears it."""
        self._changes.append(event := asyncio.Event())
        return event

    def sequence(self, region: str) -> int:
        """Return the sequence number held of a region's status, 0 when nothing is."""
        status = self.holdings.status.of(region)
        return status.sequence if status else 0

    def base(self, region: str) -> int:
        """Return up to which delta the snapshot held of a region goes, 0 when none is held."""
        chain = self.holdings.chains.get(region)
        return chain.base if chain else 0

    def regions(self) -> tuple[str, ...]:
        """Return the regions whose status is to be followed."""
        return publishing_regions(self.holdings)

    def note(self, part: str, error: EcertError) -> None:
        """Count an error, and remember it as a part's trouble until that part is well."""
        self.refusals[error.reason] += 1
        known = self.troubles.get(part)
        if known is None or known.reason is not error.reason:
            _log.warning("%s: %s", part, error)
        since = known.since if known else self.clock()
        self.troubles[part] = Trouble(error.reason, error.detail, since)

    def well(self, part: str) -> None:
        """Say that a part is up to date, or was just brought forward."""
        if self.troubles.pop(part, None):
            _log.info("%s: well again", part)

    async def keep_saved(self) -> None:
        """Save whenever something changed, now and then; runs until it is cancelled."""
        changed = self.changes()
        while True:
            await changed.wait()
            changed.clear()
            await self.save()
            await asyncio.sleep(SAVE_EVERY)

    async def save(self) -> None:
        """Write the holdings to the folder, whole or not at all; a full disk is a trouble, not an end."""
        holdings, folder = self.holdings, self._folder
        if folder is None or holdings is self._saved:
            return
        try:
            await asyncio.to_thread(lambda: write_atomic(folder / BUNDLE, holdings.encode()))
        except EcertError as error:
            self.note("saving", error)
            return
        self._saved = holdings
        self.well("saving")


def _signed(holdings: Holdings) -> tuple[object, ...]:
    return holdings.files, holdings.chains, holdings.pages, holdings.seal_lists


def require_region(code: str) -> str:
    """Return a region's code.

    Raises:
        EcertError: it is none.
    """
    problem = check_region_code(code)
    if problem is not None:
        raise EcertError(Reason.USAGE, f"{code!r} is no region: expected {problem.en}")
    return code


def publishing_regions(holdings: Holdings) -> tuple[str, ...]:
    """Return the regions and ministries of the registry held that have a status key."""
    registry = holdings.registry
    if registry is None:
        return ()
    return tuple(
        code for code, region in registry.regions.items() if any(m.role is Role.STATUS for m in region.members)
    )


def require_root(root: bytes) -> None:
    """Check that a root can be pinned.

    Raises:
        EcertError: it is not TUF root metadata, or not signed by its own keys.
    """
    next(refresh(None, root, now=datetime.min.replace(tzinfo=UTC)))


def open_folder(folder: Path, now: datetime) -> tuple[Holdings, EcertError | None]:
    """Load what a window's folder holds; a file that does not verify is set aside, and the window begins anew.

    Returns:
        The holdings, and why the file was set aside, if it was.

    Raises:
        EcertError: the folder has no pinned root, or one that is none; the file cannot be read or set aside.
    """
    root, file = load_root(folder), folder / BUNDLE
    require_root(root)
    empty = load_holdings(root, None)
    _remove_abandoned(folder)
    if not file.exists():
        return empty, None
    data = read_bounded(file, MAX_BUNDLE, Reason.DATA_MALFORMED)
    try:
        return load_holdings(root, data), None
    except EcertError as error:
        aside = file.with_name(f"{BUNDLE}.refused-{now:%Y%m%dT%H%M%SZ}")
        try:
            file.replace(aside)
        except OSError as problem:
            raise EcertError(Reason.USAGE, f"cannot set {file} aside: {problem.strerror}") from problem
        return empty, EcertError(error.reason, f"{file} was set aside as {aside.name}: {error.detail}")


def _remove_abandoned(folder: Path) -> None:
    """Remove what processes that were killed while saving left behind."""
    for path in folder.glob(f".{BUNDLE}.*"):
        try:
            if time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()
        except OSError:
            continue
