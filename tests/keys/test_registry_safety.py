"""What happens to the published registry when things go wrong: it verifies, it never goes back, and others live on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ecert.errors import EcertError, Reason
from ecert.trust import Budget, EntryState, Policy, Role, StateChange
from keys.facts import RegionFacts, SealMakerFacts
from keys.members import Terms
from keys.names import KeyName, Kind
from tests.keys.conftest import (
    DEPARTMENT,
    DEPARTMENT_CODE,
    OTHER_CODE,
    ROOT,
    START,
    TYPE,
    Inside,
    leaf,
    national,
    region,
)
from tests.keys.office import PASSPHRASE, Office

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = timedelta(days=1)
KILLED = 9


def refused(act: Callable[[], object]) -> Reason:
    with pytest.raises(EcertError) as caught:
        act()
    return caught.value.reason


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def killed_before_write(number: int, out: Path, act: Callable[[], object]) -> bool:
    """Run an act in a process that dies just before its file `number` (from 0) appears; False: it came to its end."""
    child = os.fork()
    if child == 0:
        left = number + 1

        def die(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event == "os.rename" and str(out) in str(arguments[1]):
                left -= 1
                if left == 0:
                    os._exit(KILLED)

        sys.addaudithook(die)
        try:
            act()
        except BaseException:  # noqa: BLE001  (this process has no test runner above it)
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED)
    return code == KILLED


def rotate(office: Office, what: str) -> None:
    if what == "root":
        office.acts.rotate_root(1)
    else:
        office.acts.rotate(what)


@pytest.mark.parametrize("what", ["timestamp", "snapshot", "targets", "440000", "root"])
def test_a_rotation_killed_at_any_moment_verifies_and_is_finished_by_running_it_again(
    office: Office, tmp_path: Path, what: str
) -> None:
    for number in range(20):
        home, out = tmp_path / f"pki-{number}", tmp_path / f"published-{number}"
        shutil.copytree(office.home, home)
        shutil.copytree(office.out, out)
        again = Office(home, out)
        again.update()
        was_killed = killed_before_write(number, out, partial(rotate, again, what))
        assert again.entitled(again.update(), START) is None
        assert again.entitled(again.new_window(), START) is None
        if not was_killed:
            break
        rotate(again, what)
        again.publish()
        assert again.entitled(again.update(), START) is None
        assert not again.new_window().problems
    assert number > 0
    assert not was_killed


@pytest.mark.parametrize("number", range(5))
def test_a_first_publication_that_is_killed_leaves_no_registry(office: Office, tmp_path: Path, number: int) -> None:
    for key in office.home.glob("registry-*"):
        key.unlink()
    fresh = Office(office.home, tmp_path / "fresh")
    fresh.out.mkdir()
    assert killed_before_write(number, fresh.out, lambda: fresh.acts.init(root_keys=1, threshold=1))
    assert not fresh.acts.repository.exists


def test_a_lost_online_key_is_rotated_too(office: Office) -> None:
    office.update()
    (office.home / "registry-timestamp.key.pem").unlink()
    assert refused(office.publish) is Reason.KEY_NOT_FOUND
    office.acts.rotate("timestamp")
    assert office.entitled(office.update(), START) is None


def test_the_last_root_key_signs_the_one_that_replaces_it(office: Office, tmp_path: Path) -> None:
    for key in office.home.glob("registry-*"):
        key.unlink()
    alone = Office(office.home, tmp_path / "alone")
    alone.out.mkdir()
    alone.acts.init(root_keys=1, threshold=1)
    alone.update()
    alone.acts.rotate_root(1)
    alone.publish()
    alone.update()
    assert "2.root.json" in (alone.held or {})


def test_two_who_write_take_turns(office: Office) -> None:
    entered = threading.Event()

    def second() -> None:
        with office.acts.repository.locked():
            entered.set()

    with office.acts.repository.locked():
        other = threading.Thread(target=second)
        other.start()
        assert not entered.wait(0.2)
    other.join(5)
    assert entered.is_set()


@pytest.fixture
def two_regions(office: Office) -> Office:
    """Shanghai is in too, and its keys lie elsewhere."""
    shanghai = RegionFacts(region="310000", name="上海市", name_en="Shanghai")
    office.ceremony.init_region(shanghai, passphrase=region, issuer_passphrase=national)
    office.acts.add_region("310000")
    office.publish()
    for path in office.home.glob("*310000*"):
        path.unlink()
    assert set(office.update().regions) == {"310000", "440000"}
    return office


def test_one_regions_damaged_slice_stops_nobody_else(two_regions: Office) -> None:
    for path in (two_regions.out / "registry" / "targets" / "registry" / "310000").rglob("*.json"):
        path.write_bytes(path.read_bytes()[:-1])
    registry = two_regions.publish()
    assert set(registry.problems) == {"310000"}
    assert two_regions.entitled(two_regions.new_window(), START) is None
    assert set(two_regions.update().regions) == {"310000", "440000"}


def test_a_region_whose_newest_file_is_lost_does_not_go_back(two_regions: Office) -> None:
    newest = two_regions.acts.repository.versions("440000")[0]
    (two_regions.metadata / f"{newest}.440000.json").unlink()
    (two_regions.home / "registry-440000.key.pem").unlink()
    two_regions.publish()
    assert two_regions.entitled(two_regions.update(), START) is None
    assert set(two_regions.new_window().problems) == {"440000"}


def test_a_lost_snapshot_is_not_written_over_by_an_older_version(office: Office) -> None:
    newest = office.acts.repository.versions("snapshot")[0]
    (office.metadata / f"{newest}.snapshot.json").unlink()
    before = contents(office.out)
    assert refused(office.publish) is Reason.REGISTRY_MISSING
    assert contents(office.out) == before


def test_what_has_expired_is_not_published(office: Office) -> None:
    office.clock.forward(days=91)
    timestamp = (office.metadata / "timestamp.json").read_bytes()
    assert refused(office.publish) is Reason.SELF_CHECK_FAILED
    assert (office.metadata / "timestamp.json").read_bytes() == timestamp


def test_an_expired_root_is_renewed_and_all_can_be_signed_again(office: Office) -> None:
    office.clock.forward(days=366)
    for name, passphrase in ((KeyName(Kind.NATIONAL_ROOT), national), (KeyName(Kind.REGION, "440000"), region)):
        office.ceremony.sign_crl(name, passphrase=passphrase)
    office.acts.rotate_root(None)
    office.acts.sign_targets(None)
    office.acts.sign_region("440000")
    office.publish()
    assert office.entitled(office.update(), START) is None


def test_a_refused_act_writes_nothing(office: Office) -> None:
    before = contents(office.out)
    ended = StateChange(EntryState.ENDED, START + DAY, "")
    assert refused(lambda: office.acts.change_state("440000", Role.ISSUER, OTHER_CODE, ended)) is Reason.ISSUER_UNKNOWN
    assert refused(lambda: office.acts.change_state("440000", Role.TSA, DEPARTMENT_CODE, ended)) is (
        Reason.ISSUER_UNKNOWN
    )
    assert refused(lambda: office.acts.add_region("000000")) is Reason.USAGE
    assert refused(lambda: office.acts.rotate("310000")) is Reason.REGISTRY_MISSING
    assert contents(office.out) == before


def test_a_registry_begins_without_limits_and_takes_those_the_nation_sets(office: Office) -> None:
    budget = office.update().budget(TYPE)
    assert (budget.registry, budget.status) == (None, None)
    office.acts.sign_targets(Policy(Budget(7 * DAY, DAY)))
    office.publish()
    budget = office.update().budget(TYPE)
    assert (budget.registry, budget.status) == (7 * DAY, DAY)


def test_registering_again_after_a_rotation_takes_no_right_away(office: Office) -> None:
    old = office.key_id()
    office.clock.forward(days=30)
    office.ceremony.rotate(DEPARTMENT, passphrase=leaf, issuer_passphrase=region)
    office.ceremony.sign_crl(KeyName(Kind.NATIONAL_ROOT), passphrase=national)
    office.ceremony.sign_crl(KeyName(Kind.REGION, "440000"), passphrase=region)
    office.acts.sign_region("440000")
    office.acts.add_member(DEPARTMENT, Terms(("310000",)))
    office.publish()
    registry = office.update()
    assert office.entitled(registry, START, old) is None
    assert office.entitled(registry, office.clock()) is None


def test_a_body_that_ended_can_be_registered_anew(office: Office) -> None:
    ended = StateChange(EntryState.ENDED, START + DAY, "机构撤并")
    office.acts.change_state("440000", Role.ISSUER, DEPARTMENT_CODE, ended)
    office.clock.forward(days=3)
    office.acts.add_member(DEPARTMENT, Terms())
    office.publish()
    registry = office.update()
    found = [office.entitled(registry, START + days * DAY) is None for days in (0, 2, 3)]
    assert found == [True, False, True]


def test_ending_an_issuer_leaves_its_other_roles_alone(office: Office) -> None:
    tsa = KeyName(Kind.TSA, DEPARTMENT_CODE)
    facts = SealMakerFacts("440000", "时间戳中心", "Time Stamps", DEPARTMENT_CODE)
    office.ceremony.issue_body(tsa, facts, passphrase=leaf, issuer_passphrase=region)
    office.acts.add_member(tsa, Terms())
    ended = StateChange(EntryState.ENDED, START + DAY, "")
    office.acts.change_state("440000", Role.ISSUER, DEPARTMENT_CODE, ended)
    office.publish()
    registry = office.update()
    assert office.entitled(registry, START + 2 * DAY) is not None
    key = registry.find(office.key_id(tsa))
    assert key is not None
    assert key.standing_problem(START + 2 * DAY) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["rotate-root"],
        ["rotate-root", "--keep", "--replace", "1"],
        ["sign", "--hours", "1", "--watch", "1201"],
        ["sign", "--watch", "60", "--role", "timestamp"],
        [
            "end-issuer",
            "--region",
            "440000",
            "--code",
            DEPARTMENT_CODE,
            "--at",
            "now",
            "--reason",
            "x",
            "--role",
            "king",
        ],
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_signed(
    inside: Inside, office: Office, arguments: list[str]
) -> None:
    before = contents(office.out)
    ran = inside("registry", *arguments, "--out", office.out, "--home", office.home)
    assert ran.returncode == 2
    assert contents(office.out) == before


def test_a_mistyped_folder_is_not_made(inside: Inside, office: Office, tmp_path: Path) -> None:
    assert inside("registry", "sign", "--out", tmp_path / "publsihed", "--home", office.home).returncode == 2
    assert not (tmp_path / "publsihed").exists()


def test_the_job_signs_again_and_again_and_outlives_trouble(tmp_path: Path, inside: Inside) -> None:
    """A real process: signs, meets a folder that cannot be read, says so, and signs again when it can."""
    home, out, passphrase = tmp_path / "pki", tmp_path / "published", tmp_path / "passphrase"
    metrics, timestamp = tmp_path / "registry.prom", out / "registry" / "metadata" / "timestamp.json"
    passphrase.write_bytes(PASSPHRASE)
    given = ("--home", home, "--passphrase-file", passphrase)
    assert inside("init-national", "--name", "国家根", *given).returncode == 0
    assert inside("registry", "init", "--out", out, *given).returncode == 0
    command = [sys.executable, "-m", "keys", "registry", "sign", "--out", out, *given, "--hours", "1", "--watch", "1"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ECERT_")}
    with subprocess.Popen(
        [*map(str, command), "--metrics", metrics],
        cwd=ROOT,
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        stdout=subprocess.DEVNULL,
    ) as job:
        try:
            wait_until(metrics.exists)
            timestamp.parent.rename(tmp_path / "away")
            assert job.stderr is not None
            assert "registry-missing" in job.stderr.readline()
            (tmp_path / "away").rename(timestamp.parent)
            before = timestamp.read_bytes()
            wait_until(lambda: timestamp.read_bytes() != before)
        finally:
            job.send_signal(signal.SIGTERM)
    assert 'ecert_registry_alarm{role="timestamp"} 0' in metrics.read_text("ascii")
    assert 'ecert_registry_expires_in_seconds{role="crl-national"}' in metrics.read_text("ascii")


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_file_under_the_name_of_another_version_is_passed_over(office: Office) -> None:
    before = office.update().version
    repository = office.acts.repository
    newest = repository.versions("440000")[0]
    folder = office.out / "registry" / "metadata"
    shutil.copy(folder / f"{newest}.440000.json", folder / f"{newest + 4}.440000.json")
    office.clock.forward(hours=1)
    office.publish()
    registry = office.update()
    assert registry.version == before + 1
    assert office.entitled(registry, START) is None
