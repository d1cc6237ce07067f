"""Bringing holdings up to date once, for a command: from a publisher, or from an offline bundle file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ecert.bundle import MAX_BUNDLE
from ecert.cli.files import read_bounded
from ecert.errors import EcertError, NotFoundError, Reason
from ecert.revocation import PAGE_SIZE
from verifier.fetching import fetch_page
from verifier.publisher import open_publisher
from verifier.publisher_link import PublisherLink
from verifier.site import LocalSite
from verifier.site_link import SiteLink

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from verifier.keeper import Keeper
    from verifier.publisher import Publisher

Outcomes = list[tuple[str, EcertError | None]]
"""Part → why it was refused, None when it was taken or is held already."""


def update_from(keeper: Keeper, source: str) -> Outcomes:
    """Bring registry and status up to date.

    Args:
        keeper: What is held.
        source: URL or folder of a publisher, or an offline bundle file.

    Raises:
        EcertError: the source is none, or its registry is refused: then nothing is taken.
    """
    if Path(source).is_file():
        data = read_bounded(Path(source), MAX_BUNDLE, Reason.USAGE)
        return asyncio.run(_update_from_bundle(keeper, data))
    return asyncio.run(_with(open_publisher(source), lambda publisher: _update_from(keeper, publisher)))


def gather_from(keeper: Keeper, source: str) -> Outcomes:
    """Bring everything up to date, the details of every licence with a history included.

    Args:
        keeper: What is held.
        source: URL or folder of a publisher.

    Raises:
        EcertError: as for `update_from`; or the source is a bundle file, which cannot be asked for details.
    """
    if Path(source).is_file():
        raise EcertError(Reason.USAGE, f"{source} is a file: give the URL or folder of a publisher")

    async def gather(publisher: Publisher) -> Outcomes:
        return await _update_from(keeper, publisher) + await _take_pages(keeper, publisher)

    return asyncio.run(_with(open_publisher(source), gather))


async def _with(publisher: Publisher, action: Callable[[Publisher], Awaitable[Outcomes]]) -> Outcomes:
    try:
        return await action(publisher)
    finally:
        await publisher.close()


async def _update_from_bundle(keeper: Keeper, data: bytes) -> Outcomes:
    await keeper.take("bundle", lambda holdings: holdings.take_bundle(data))
    held = keeper.holdings
    parts = ["registry", *(f"status/{region}" for region in held.status.regions)]
    parts += [f"seals/{region}" for region in held.seals]
    return [(part, held.problems.get(part)) for part in dict.fromkeys([*parts, *held.problems])]


async def _update_from(keeper: Keeper, publisher: Publisher) -> Outcomes:
    link = PublisherLink(keeper, publisher, SiteLink(keeper, LocalSite()))
    await link.take_registry()
    outcomes: Outcomes = [("registry", None)]
    outcomes += [(part, error) for part, error in keeper.holdings.problems.items() if part.startswith("registry/")]
    for region in keeper.regions():
        try:
            found = await link.take_status(region)
            if found is None and keeper.sequence(region) == 0:
                raise NotFoundError(Reason.STATUS_MISSING, f"{publisher.name} has nothing of {region}")
            outcomes.append((f"status/{region}", None))
        except EcertError as error:
            outcomes.append((f"status/{region}", error))
        outcomes += await _take_seals(link, region)
    return outcomes


async def _take_seals(link: PublisherLink, region: str) -> Outcomes:
    """Take the status of a region's seals, where the publisher has one."""
    part = f"seals/{region}"
    try:
        await link.take_seals(region)
    except EcertError as error:
        return [(part, error)]
    return [(part, None)] if region in link.keeper.holdings.seals else []


async def _take_pages(keeper: Keeper, publisher: Publisher) -> Outcomes:
    outcomes: Outcomes = []
    for region, key_id, number, page in list(_pages_with_history(keeper)):
        part = f"status/{region}/pages/{key_id.hex()}-{number}/{page}"
        try:
            data = await fetch_page(publisher, region, key_id, number, page)
            if data is None:
                raise NotFoundError(Reason.STATUS_DETAILS_MISSING, f"{publisher.name} has no {part}")
            await keeper.take_page(data)
            outcomes.append((part, None))
        except EcertError as error:
            outcomes.append((part, error))
    return outcomes


def _pages_with_history(keeper: Keeper) -> Iterator[tuple[str, bytes, int, int]]:
    for region, status in keeper.holdings.status.regions.items():
        for (key_id, number), listing in status.lists.items():
            for page in dict.fromkeys(index // PAGE_SIZE for index, _ in listing.marks.items()):
                yield region, key_id, number, page
