"""The trust registry as operators make and change it, seen by a window that pinned the first root."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ecert.errors import CustodyError, EcertError, Reason
from ecert.trust import EntryState, Policy, Role, StateChange
from ecert.trust.metadata import load_registry, read_export
from ecert.x509 import Certificate, CrlReason
from keys.expiry import expiries, metrics_text
from keys.facts import RegionFacts, SealMakerFacts, department_facts
from keys.members import Terms
from keys.names import KeyName, Kind
from tests.keys.conftest import (
    DEPARTMENT,
    DEPARTMENT_CODE,
    OTHER_CODE,
    REGION,
    SEAL_MAKER_CODE,
    START,
    TYPE,
    Inside,
    World,
    leaf,
    national,
    region,
)
from tests.keys.office import PASSPHRASE, WEEK, Office

if TYPE_CHECKING:
    from pathlib import Path

MINISTRY = "11100000000013127D"
ID_CARD = "11100000000013127D001"


def refused(act: object) -> EcertError:
    assert callable(act)
    with pytest.raises(EcertError) as caught:
        act()
    return caught.value


def test_a_window_finds_everybody_who_was_registered(office: Office) -> None:
    registry = office.update()
    assert not registry.problems
    roles = {key.member.role for key in registry.keys()}  # noqa: SIM118
    assert roles == {Role.ISSUER, Role.SEAL_MAKER, Role.STATUS}
    key = registry.find(office.key_id())
    assert key is not None
    assert (key.member.code, key.member.endpoints["service"]) == (DEPARTMENT_CODE, "https://service.example/")
    assert office.entitled(registry, START) is None
    assert registry.fresh_until == START + WEEK
    registry.standing(key, START)


def test_what_was_signed_is_seen_only_after_it_was_published(office: Office) -> None:
    office.update()
    office.ceremony.issue_body(
        KeyName(Kind.TSA, SEAL_MAKER_CODE),
        SealMakerFacts("440000", "时间戳中心", "Time Stamps", SEAL_MAKER_CODE),
        passphrase=leaf,
        issuer_passphrase=region,
    )
    office.acts.add_member(KeyName(Kind.TSA, SEAL_MAKER_CODE), Terms())
    assert Role.TSA not in {key.member.role for key in office.update().keys()}  # noqa: SIM118
    office.publish()
    registry = office.update()
    tsa = next(key for key in registry.keys() if key.member.role is Role.TSA)  # noqa: SIM118
    registry.standing(tsa, START)


def test_a_ministry_with_vertical_administration_issues_its_own_types_anywhere(office: Office) -> None:
    ministry = RegionFacts(MINISTRY, "样例部", "Ministry")
    office.ceremony.init_region(ministry, passphrase=region, issuer_passphrase=national)
    facts = department_facts(
        region=MINISTRY, code=OTHER_CODE, name="样例厅", name_en="Bureau", types=[ID_CARD], areas=[]
    )
    name = KeyName(Kind.DEPARTMENT, OTHER_CODE)
    office.ceremony.issue_body(name, facts, passphrase=leaf, issuer_passphrase=region)
    office.acts.add_region(MINISTRY)
    office.acts.add_member(name, Terms(("440000",)))
    office.publish()
    registry = office.update()
    key = registry.find(office.key_id(name))
    assert key is not None
    assert key.entitlement_problem(ID_CARD, "650100", START) is None
    assert key.entitlement_problem(TYPE, "650100", START) is not None
    assert key.shared_with(ID_CARD, "440000", START)
    assert not key.shared_with(ID_CARD, "310000", START)
    with pytest.raises(EcertError):
        department_facts(region=MINISTRY, code=OTHER_CODE, name="样例厅", name_en="B", types=[TYPE], areas=[])


def test_drill_a_department_key_is_rotated(office: Office) -> None:
    office.update()
    old = office.key_id()
    office.clock.forward(days=1)
    office.ceremony.rotate(DEPARTMENT, passphrase=leaf, issuer_passphrase=region)
    assert office.acts.sign_region("440000")
    office.publish()
    registry = office.update()
    for key_id in (old, office.key_id()):
        assert office.entitled(registry, office.clock(), key_id) is None
    assert old != office.key_id()
    assert not office.acts.sign_region("440000")


def test_drill_a_region_key_is_rotated(office: Office) -> None:
    office.update()
    before = office.acts.repository.role_key("440000")
    office.acts.rotate("440000")
    office.publish()
    registry = office.update()
    assert not registry.problems
    assert office.entitled(registry, START) is None
    assert office.acts.repository.role_key("440000") != before
    assert len(list(office.home.glob("registry-440000.*.key.pem"))) == 1


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_drill_an_online_key_is_rotated(office: Office, role: str) -> None:
    office.update()
    office.clock.forward(hours=1)
    office.acts.rotate(role)
    registry = office.update()
    assert registry.issued_at == office.clock()
    assert office.entitled(registry, START) is None
    next(office.home.glob(f"registry-{role}.*.key.pem")).replace(office.home / f"registry-{role}.key.pem")
    office.clock.forward(days=60)
    sign = (lambda: office.acts.sign_targets(Policy())) if role == "targets" else office.publish
    office.ceremony.sign_crl(KeyName(Kind.NATIONAL_ROOT), passphrase=national)
    assert refused(sign).reason is Reason.KEY_MISMATCH


@pytest.mark.parametrize("lost", [False, True])
def test_drill_one_root_key_is_replaced(office: Office, *, lost: bool) -> None:
    office.update()
    if lost:
        (office.home / "registry-root-2.key.pem").unlink()
    office.acts.rotate_root(2)
    office.clock.forward(days=1)
    office.acts.rotate_root(None)
    office.publish()
    registry = office.update()
    assert office.entitled(registry, START) is None
    assert registry.issued_at == office.clock()
    assert {"2.root.json", "3.root.json"} <= set(office.held or ())


def test_a_root_is_not_signed_by_too_few(office: Office) -> None:
    for number in (1, 2):
        (office.home / f"registry-root-{number}.key.pem").unlink()
    for replaced in (None, 3):
        assert refused(partial(office.acts.rotate_root, replaced)).reason is Reason.KEY_NOT_FOUND
    assert not (office.out / "registry" / "metadata" / "2.root.json").exists()


def test_drill_a_right_ends_as_of_a_date_and_what_was_sealed_before_stays(office: Office) -> None:
    office.update()
    end = START + timedelta(days=10)
    office.clock.at = end + timedelta(days=1)
    office.acts.sign_region("440000")
    office.acts.change_state("440000", Role.ISSUER, DEPARTMENT_CODE, StateChange(EntryState.ENDED, end, "机构撤并"))
    office.publish()
    registry = office.update()
    assert office.entitled(registry, end - timedelta(seconds=1)) is None
    assert "机构撤并" in (office.entitled(registry, end) or "")
    again = StateChange(EntryState.ACTIVE, end + timedelta(hours=1), "")
    assert (
        refused(lambda: office.acts.change_state("440000", Role.ISSUER, DEPARTMENT_CODE, again)).reason is Reason.USAGE
    )


def test_drill_a_suspension_is_lifted(office: Office) -> None:
    day = timedelta(days=1)
    office.acts.change_state(
        "440000", Role.ISSUER, DEPARTMENT_CODE, StateChange(EntryState.SUSPENDED, START + day, "整改")
    )
    office.acts.change_state(
        "440000", Role.ISSUER, DEPARTMENT_CODE, StateChange(EntryState.ACTIVE, START + 3 * day, "")
    )
    office.publish()
    registry = office.update()
    found = [office.entitled(registry, START + days * day) is None for days in (0, 2, 4)]
    assert found == [True, False, True]
    earlier = StateChange(EntryState.ENDED, START + 2 * day, "")
    assert (
        refused(lambda: office.acts.change_state("440000", Role.ISSUER, DEPARTMENT_CODE, earlier)).reason
        is Reason.USAGE
    )


def test_drill_a_stolen_key_reaches_the_windows(office: Office) -> None:
    office.update()
    office.clock.forward(days=1)
    office.ceremony.revoke(
        DEPARTMENT, reason=CrlReason.KEY_COMPROMISE, at=START + timedelta(hours=1), issuer_passphrase=region
    )
    office.acts.sign_region("440000")
    office.publish()
    registry = office.update()
    key = registry.find(office.key_id())
    assert key is not None
    assert registry.compromised_at(key) == START + timedelta(hours=1)


def test_a_right_the_ceremony_no_longer_knows_ends_with_the_next_signing(office: Office) -> None:
    file = office.home / f"{DEPARTMENT}.json"
    facts = json.loads(file.read_bytes())
    facts["types"] = ["11100000000013338W032"]
    file.write_bytes(json.dumps(facts, ensure_ascii=False).encode())
    office.clock.forward(days=1)
    office.acts.sign_region("440000")
    office.publish()
    registry = office.update()
    key = registry.find(office.key_id())
    assert key is not None
    assert key.entitlement_problem(TYPE, "440106", START) is None
    assert key.entitlement_problem(TYPE, "440106", office.clock()) is not None
    assert key.entitlement_problem("11100000000013338W032", "440106", office.clock()) is None


def test_an_expired_revocation_list_is_not_signed_into_the_registry(office: Office) -> None:
    office.clock.forward(days=40)
    assert refused(lambda: office.acts.sign_region("440000")).reason is Reason.CRL_STALE
    office.ceremony.sign_crl(REGION, passphrase=region)
    assert office.acts.sign_region("440000")


def test_a_regions_broken_file_is_not_announced_and_stops_nobody(office: Office) -> None:
    before = office.update()
    folder = office.out / "registry" / "metadata"
    newest = office.acts.repository.versions("440000")[0]
    good = (folder / f"{newest}.440000.json").read_bytes()
    (folder / f"{newest + 1}.440000.json").write_bytes(good.replace(b'"version":', b'"version": ', 1)[:-1] + b" }")
    (folder / f"{newest + 2}.440000.json").write_bytes(b"{")
    assert refused(lambda: office.acts.sign_region("440000")).reason is Reason.REGISTRY_MALFORMED
    (folder / f"{newest + 2}.440000.json").unlink()
    office.clock.forward(hours=1)
    office.publish()
    after = office.update()
    assert after.version == before.version + 1
    assert office.entitled(after, START) is None


def test_what_would_not_verify_is_not_published(office: Office) -> None:
    timestamp = office.out / "registry" / "metadata" / "timestamp.json"
    held = timestamp.read_bytes()
    for slice_file in (office.out / "registry" / "targets").rglob("*.issuers.json"):
        slice_file.write_bytes(slice_file.read_bytes() + b" ")
    assert isinstance(refused(office.publish), EcertError)
    assert timestamp.read_bytes() == held


def test_the_job_renews_the_timestamp_with_its_key_alone(office: Office) -> None:
    version = office.update().version
    for name in office.home.glob("registry-*.key.pem"):
        if name.name != "registry-timestamp.key.pem":
            name.unlink()
    office.clock.forward(days=1)
    office.acts.publish(timedelta(hours=6), new_snapshot=False)
    registry = office.update()
    assert registry.version == version
    assert registry.fresh_until == office.clock() + timedelta(hours=6)


def test_the_alarm_is_raised_long_before_a_part_expires(office: Office) -> None:
    def alarms(days: float) -> set[str]:
        now = START + timedelta(days=days)
        return {row.role for row in expiries(office.acts.repository, now) if row.alarm}

    assert alarms(0) == set()
    assert alarms(4.5) == set()
    assert alarms(4.7) == {"timestamp"}
    assert alarms(25) == {"timestamp", "snapshot"}
    assert alarms(70) == {"timestamp", "snapshot", "targets", "440000"}
    rows = list(expiries(office.acts.repository, START + timedelta(days=5)))
    text = metrics_text(rows).decode()
    assert 'ecert_registry_alarm{role="timestamp"} 1' in text
    assert 'ecert_registry_expires_in_seconds{role="timestamp"} 172800' in text


def test_nothing_is_made_twice(office: Office) -> None:
    assert isinstance(refused(lambda: office.acts.init(root_keys=1, threshold=1)), CustodyError)
    assert refused(lambda: office.acts.add_region("440000")).reason is Reason.KEY_EXISTS
    assert refused(lambda: office.acts.add_region("310000")).reason is Reason.KEY_NOT_FOUND


def test_registering_again_keeps_the_history(office: Office) -> None:
    change = StateChange(EntryState.SUSPENDED, START + timedelta(days=1), "整改")
    office.acts.change_state("440000", Role.ISSUER, DEPARTMENT_CODE, change)
    office.acts.add_member(DEPARTMENT, Terms(("310000",)))
    office.publish()
    registry = office.update()
    key = registry.find(office.key_id())
    assert key is not None
    assert change in key.member.history
    assert key.member.grants[0].shared_with == ("310000",)


def test_the_command_line_goes_all_the_way(world: World, inside: Inside, tmp_path: Path) -> None:
    out, passphrase = tmp_path / "published", tmp_path / "passphrase"
    passphrase.write_bytes(PASSPHRASE)
    given = ("--out", out, "--home", world.home, "--passphrase-file", passphrase)
    # The ceremony is of 2024 and the command line reads this machine's clock: its revocation lists are renewed first.
    national_file, region_file = tmp_path / "national", tmp_path / "region"
    national_file.write_bytes(national())
    region_file.write_bytes(region())
    for name, file in (("national-root", national_file), ("region-440000", region_file)):
        assert inside("sign-crl", name, "--home", world.home, "--passphrase-file", file).returncode == 0
    assert inside("registry", "init", *given).returncode == 0
    assert inside("registry", "add-region", "--region", "440000", *given).returncode == 0
    entry = ("--region", "440000", "--code", DEPARTMENT_CODE)
    assert inside("registry", "add-issuer", *entry, *given).returncode == 0
    metrics = tmp_path / "registry.prom"
    signed = inside("registry", "sign", "--days", "7", "--metrics", metrics, *given)
    assert (signed.returncode, "fresh until" in signed.stdout) == (0, True)
    assert 'role="440000"' in metrics.read_text("utf-8")
    shown = inside("registry", "status", "--json", "--out", out)
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["issuers"] == 1
    assert inside("registry", "export", tmp_path / "registry.bin", "--out", out).returncode == 0
    root = (out / "registry" / "metadata" / "1.root.json").read_bytes()
    registry = load_registry(read_export((tmp_path / "registry.bin").read_bytes()), root)
    assert list(registry.regions) == ["440000"]
    ended = inside("registry", "end-issuer", *entry, "--at", "now", "--reason", "撤并", *given)
    assert ended.returncode == 0
    assert inside("registry", "rotate", "440000", *given).returncode == 0
    assert inside("registry", "rotate-root", "--replace", "1", *given).returncode == 0
    assert inside("registry", "sign", *given).returncode == 0
    assert inside("registry", "sign", "--role", "990000", *given).returncode == 2
    assert inside("registry", "add-region", *given).returncode == 2


def test_a_region_elsewhere_is_published_as_it_signed_itself(office: Office, tmp_path: Path) -> None:
    """The region's operator has another directory; only the published folder is common."""
    away = tmp_path / "region-pki"
    away.mkdir(mode=0o700)
    for path in office.home.iterdir():
        if "440000" in path.name or path.name.startswith(("department-", "seal-maker-")):
            shutil.move(path, away / path.name)
    operator = Office(away, office.out, office.clock)
    office.clock.forward(days=1)
    office.publish()
    assert office.entitled(office.update(), START, operator.key_id()) is None
    operator.acts.change_state(
        "440000", Role.ISSUER, DEPARTMENT_CODE, StateChange(EntryState.ENDED, office.clock(), "撤并")
    )
    office.publish()
    assert office.entitled(office.update(), office.clock(), operator.key_id()) is not None
    assert isinstance(operator.ceremony.entry(REGION).certificate, Certificate)
