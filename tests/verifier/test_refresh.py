"""Windows against a real publisher, through everything that goes wrong with it and with the machine."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from starlette.responses import Response

from ecert.errors import Reason
from ecert.revocation import MAX_DELTA, State, load_delta
from tests.verifier.province import REGION, Province, now
from tests.verifier.servers import PublishingServer, endless
from tests.verifier.windows import Window, run, running, until
from verifier.publisher_link import LONG_CHAIN
from verifier.receipts import Receipts
from verifier.site import LocalSite

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = timedelta(hours=1)


def test_a_window_alone_follows_its_publisher_within_a_second(province: Province, publisher: PublishingServer) -> None:
    async def body() -> None:
        window = Window(province, LocalSite(), publisher.url)
        async with running(window):
            await window.reaches(1)
            licence = province.issue()
            reference = province.reference(licence)
            assert window.keeper.holdings.status.regions[REGION].mark(province.key_id, reference).state is State.VALID
            sequence = await asyncio.to_thread(province.decide, licence, State.REVOKED)
            assert await window.reaches(sequence) < 1
            assert window.keeper.holdings.status.regions[REGION].mark(province.key_id, reference).state is State.REVOKED
            assert not window.keeper.troubles

    run(body())


def test_a_folder_is_a_publisher_too(province: Province) -> None:
    async def body() -> None:
        window = Window(province, LocalSite(), str(province.folder))
        async with running(window):
            await window.reaches(1)
            await window.reaches(await asyncio.to_thread(province.advance, {7: 7}), 5)

    run(body())


def test_a_publisher_that_went_away_is_found_again(province: Province, publisher: PublishingServer) -> None:
    async def body() -> None:
        window = Window(province, LocalSite(), publisher.url)
        async with running(window):
            await window.reaches(1)
            await asyncio.to_thread(publisher.stop)
            province.advance()
            await until(lambda: window.keeper.refusals[Reason.SOURCE_UNREACHABLE] > 1)
            assert window.sequence == 1
            assert window.keeper.troubles
            await asyncio.to_thread(publisher.start)
            await window.reaches(2, 20)
            await until(lambda: not window.keeper.troubles, 20)

    run(body())


def test_a_window_that_slept_takes_the_snapshot_and_what_follows(
    province: Province, publisher: PublishingServer
) -> None:
    async def body() -> None:
        for index in range(40):
            province.advance({index: 7})
        province.publish_snapshot()
        last = province.advance({99: 7})
        window = Window(province, LocalSite(), publisher.url)
        async with running(window):
            await window.reaches(last)
        assert window.keeper.base(REGION) == last - 1
        assert not [path for path in publisher.requests if path.endswith("/deltas/2.bin")]

    run(body())


def test_deltas_that_were_removed_are_passed_over_by_a_snapshot(
    province: Province, publisher: PublishingServer
) -> None:
    async def body() -> None:
        window = Window(province, LocalSite(), publisher.url)
        async with running(window):
            await window.reaches(1)
            publisher.faults["status/"] = Response(status_code=503)
            province.advance({1: 7})
            last = province.advance({2: 7})
            province.publish_snapshot()
            (province.folder / f"status/{REGION}/deltas/2.bin").unlink()
            publisher.faults.clear()
            await window.reaches(last, 20)

    run(body())


def skipping(province: Province, good: bytes) -> bytes:
    return province.next_delta({8: 7}, after=load_delta(good, province.registry, province.status, now=now()))


def from_a_stranger(_: Province, __: bytes) -> bytes:
    with TemporaryDirectory() as folder:
        return Province(Path(folder)).next_delta({5: 7})


BAD: dict[str, tuple[Callable[[Province, bytes], bytes | Response], Reason]] = {
    "cut": (lambda _, good: good[:-1], Reason.STATUS_MALFORMED),
    "changed in its signature": (lambda _, good: good[:-1] + bytes((good[-1] ^ 1,)), Reason.STATUS_SIGNATURE_BAD),
    "a replay": (lambda province, _: province.deltas[0], Reason.STATUS_ROLLBACK),
    "the one after the next": (skipping, Reason.STATUS_GAP),
    "from a stranger": (from_a_stranger, Reason.STATUS_SIGNATURE_BAD),
    "a snapshot in its place": (lambda province, _: province.snapshot, Reason.STATUS_MALFORMED),
    "from the future": (lambda province, _: province.next_delta(at=now() + HOUR), Reason.STATUS_FROM_FUTURE),
    "over-long": (lambda _, __: bytes(MAX_DELTA + 1), Reason.TOO_LARGE),
    "endless": (lambda _, __: endless(), Reason.TOO_LARGE),
    "compressed": (lambda _, __: Response(b"x", headers={"Content-Encoding": "gzip"}), Reason.SOURCE_UNREACHABLE),
    "an error": (lambda _, __: Response(b"x", status_code=500), Reason.SOURCE_UNREACHABLE),
    "elsewhere": (lambda _, __: Response(status_code=302, headers={"Location": "/"}), Reason.SOURCE_UNREACHABLE),
}


@pytest.mark.parametrize("what", BAD)
def test_a_delta_is_refused_with_its_own_reason_when_it_is(
    province: Province, publisher: PublishingServer, what: str
) -> None:
    async def body() -> None:
        make, reason = BAD[what]
        window = Window(province, LocalSite(), publisher.url)
        async with running(window):
            await window.reaches(1)
            held = window.keeper.holdings.status.regions[REGION]
            path = f"status/{REGION}/deltas/2.bin"
            publisher.faults[path] = Response(status_code=404)
            good = province.next_delta({5: 7})
            bad = make(province, good)
            publisher.faults[path] = bad if isinstance(bad, Response) else Response(bad)
            province.publish_delta(good)
            await until(lambda: window.keeper.refusals[reason] > 0)
            assert f"status/{REGION}" in window.keeper.troubles
            assert window.keeper.holdings.status.regions[REGION] == held
            publisher.faults.clear()
            await window.reaches(2, 20)
            assert not window.keeper.troubles

    run(body())


def test_a_clock_that_jumps_stops_nothing(province: Province, publisher: PublishingServer) -> None:
    async def body() -> None:
        offset = timedelta()
        window = Window(province, LocalSite(), publisher.url, clock=lambda: now() + offset)
        async with running(window):
            await window.reaches(1)
            for jump in (timedelta(days=-400), timedelta(hours=-1)):
                offset = jump
                before = window.keeper.refusals[Reason.STATUS_FROM_FUTURE]
                province.advance()
                await until(lambda: window.keeper.refusals[Reason.STATUS_FROM_FUTURE] > before, 20)  # noqa: B023
                offset = timedelta()
                await window.reaches(province.status.sequence, 40)
            offset = timedelta(days=400)
            await window.reaches(province.advance())
            await until(lambda: window.keeper.refusals[Reason.REGISTRY_FROZEN] > 0, 20)
            offset = timedelta()
            await until(lambda: "registry" not in window.keeper.troubles, 60)

    run(body())


def test_a_long_chain_is_made_short_again(province: Province, publisher: PublishingServer) -> None:
    async def body() -> None:
        window = Window(province, LocalSite(), publisher.url)
        async with running(window):
            await window.reaches(1)
            for _ in range(LONG_CHAIN):
                last = province.advance()
            await window.reaches(last, 30)
            assert window.keeper.base(REGION) == 1
            province.publish_snapshot()
            await window.reaches(province.advance())
            await until(lambda: window.keeper.base(REGION) == last)

    run(body())


def test_one_region_without_status_holds_up_no_other(province: Province, publisher: PublishingServer) -> None:
    async def body() -> None:
        province.add_silent_region("310000")
        window = Window(province, LocalSite(), publisher.url)
        async with running(window):
            await window.reaches(1)
            assert set(window.keeper.regions()) == {REGION, "310000"}
            assert await window.reaches(province.advance()) < 1

    run(body())


def test_receipts_say_how_far_the_window_came_and_never_more_than_one_a_second(
    province: Province, publisher: PublishingServer
) -> None:
    async def body() -> None:
        window = Window(province, LocalSite(), publisher.url)
        receipts = Receipts(window.keeper, window.refresher.publishers, "s3cret")
        sending = asyncio.create_task(receipts.run())
        async with running(window):
            await window.reaches(1)
            began = time.monotonic()
            for _ in range(30):
                last = province.advance()
            await until(lambda: any(content["regions"] == {REGION: last} for _, content in publisher.receipts))
            assert len(publisher.receipts) <= 2 + time.monotonic() - began
            token, content = publisher.receipts[-1]
            assert token == "Bearer s3cret"
            assert content["registry"] == province.registry.version
            assert set(content) == {"registry", "regions", "at"}
            await asyncio.to_thread(publisher.stop)
            receipts._changed.set()
            await until(lambda: receipts.failed > 0)
        sending.cancel()

    run(body())
