"""What a window holds over a restart: damaged files, killed processes, a network that is not there."""

from __future__ import annotations

import itertools
import os
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ecert.cli.bundle import load_bundle
from ecert.errors import EcertError, Reason
from ecert.revocation import State
from tests.verifier.province import REGION, Province, now
from tests.verifier.servers import PublishingServer, WindowProcess
from tests.verifier.test_service import text_of
from verifier.keeper import Keeper, open_folder
from verifier.update import update_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Damage = Callable[[bytes], bytes]


def filled(folder: Path, province: Province) -> None:
    keeper = Keeper(open_folder(folder, now())[0], now)
    update_from(keeper, str(province.folder))
    (folder / "bundle.bin").write_bytes(keeper.holdings.encode())


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def emptied(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [cut, emptied], ids=lambda damage: damage.__name__)
def test_a_file_that_was_written_in_part_is_set_aside_and_said(
    province: Province, folder: Path, damage: Damage
) -> None:
    filled(folder, province)
    file = folder / "bundle.bin"
    file.write_bytes(damage(file.read_bytes()))
    holdings, problem = open_folder(folder, now())
    assert holdings.registry is None
    assert problem is not None
    assert "was set aside" in problem.detail
    assert [path.name.split("-")[0] for path in folder.glob("bundle*")] == ["bundle.bin.refused"]


def test_one_damaged_chain_is_named_and_the_rest_is_kept(province: Province, folder: Path) -> None:
    filled(folder, province)
    file = folder / "bundle.bin"
    data = file.read_bytes()
    at = data.index(province.snapshot) + len(province.snapshot) - 1
    file.write_bytes(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :])
    holdings, problem = open_folder(folder, now())
    assert problem is None
    assert holdings.registry is not None
    assert holdings.problems[f"status/{REGION}"].reason is Reason.STATUS_SIGNATURE_BAD
    assert holdings.status.of(REGION) is None


def test_a_root_that_is_none_stops_everything(folder: Path) -> None:
    (folder / "root.json").write_bytes(b"{}")
    with pytest.raises(EcertError) as caught:
        open_folder(folder, now())
    assert caught.value.reason is Reason.REGISTRY_MALFORMED


def test_what_a_killed_process_left_half_written_is_swept_up(province: Province, folder: Path) -> None:
    filled(folder, province)
    old, young = folder / ".bundle.bin.old", folder / ".bundle.bin.young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3600, time.time() - 3600))
    open_folder(folder, now())
    assert not old.exists()
    assert young.exists()


def saved_sequence(folder: Path) -> int:
    return Keeper(load_bundle(folder), now).sequence(REGION) if (folder / "bundle.bin").exists() else 0


def test_a_process_that_is_killed_again_and_again_loses_nothing_and_goes_on(
    province: Province, publisher: PublishingServer, folder: Path
) -> None:
    licence = province.issue()
    process = WindowProcess(folder, "--publisher", publisher.url)
    spared = province.reference(licence).index
    saved = 0
    for _ in range(3):
        process.start()
        process.reaches(province.status.sequence)
        # It saves now and then while more keeps coming; it is killed in the midst of that, once it has saved some.
        until = time.monotonic() + 60
        for index in itertools.count():
            province.advance({index: 7} if index != spared else {})
            time.sleep(random.uniform(0, 0.04))  # noqa: S311
            if saved_sequence(folder) > saved or time.monotonic() > until:
                break
        process.kill()
        assert not load_bundle(folder).problems
        assert saved_sequence(folder) > saved
        saved = saved_sequence(folder)
    process.start()
    process.reaches(province.status.sequence)
    assert process.verify(text=text_of(licence))["outcome"] == "valid"
    process.stop()
    assert load_bundle(folder).status.regions[REGION].sequence == province.status.sequence


def test_a_window_without_a_network_says_how_old_its_knowledge_is(
    province: Province, publisher: PublishingServer, folder: Path
) -> None:
    good, bad = province.issue(0), province.issue(1)
    process = WindowProcess(folder, "--publisher", publisher.url)
    process.start()
    process.reaches(province.decide(bad, State.REVOKED))
    process.stop()
    publisher.stop()
    time.sleep(1.1)
    for options in (("--publisher", publisher.url), ()):
        offline = WindowProcess(folder, *options)
        offline.start()
        try:
            verdict = offline.verify(text=text_of(good))
            assert verdict["outcome"] == "valid"
            assert verdict["freshness"]["status"]["age_seconds"] >= 1
            assert offline.verify(text=text_of(bad))["reason"] == "revoked"
            health = offline.health()
            assert health["ready"]
            assert health["online"] == bool(options)
        finally:
            offline.stop()


def test_knowledge_that_grew_stale_makes_no_verdict_valid_and_takes_no_revocation_back(
    folder: Path, province: Province
) -> None:
    province.lifetime = timedelta(seconds=2)
    good, bad = province.issue(0), province.issue(1)
    province.decide(bad, State.REVOKED)
    filled(folder, province)
    time.sleep(3)
    process = WindowProcess(folder)
    process.start()
    try:
        verdict = process.verify(text=text_of(good))
        assert (verdict["outcome"], verdict["reason"]) == ("undetermined", "status-stale")
        assert verdict["freshness"]["status"]["fresh"] is False
        assert process.verify(text=text_of(bad))["reason"] == "revoked"
        assert process.health()["status"][REGION]["fresh"] is False
    finally:
        process.stop()
