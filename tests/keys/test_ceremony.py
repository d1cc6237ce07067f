"""The ceremony: what it leaves behind, and what it refuses."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ecert.errors import CustodyError, EcertError, MalformedError, NotFoundError, Reason
from ecert.sm2 import PrivateKey
from ecert.x509 import Certificate, CrlReason, Purpose, RevocationList, validate_path
from keys.facts import RegionFacts, SealMakerFacts, department_facts
from keys.making import CRL_LIFETIME
from keys.names import NATIONAL_ROOT
from keys.records import Standing
from keys.signer import load_signer
from tests.keys.conftest import (
    DEPARTMENT,
    DEPARTMENT_CODE,
    GUANGDONG,
    HOUSING,
    MAKER,
    OTHER_CODE,
    REGION,
    SEAL_MAKER,
    SEAL_MAKER_CODE,
    START,
    STATUS,
    TYPE,
    World,
    department,
    leaf,
    maker,
    national,
    nobody,
    region,
)

if TYPE_CHECKING:
    from pathlib import Path

OTHER = department_facts(
    region="440000", code=OTHER_CODE, name="另一个厅", name_en="Another", types=[TYPE], areas=["440100"]
)


def refused(act: object) -> EcertError:
    assert callable(act)
    with pytest.raises(EcertError) as caught:
        act()
    return caught.value


def test_a_ceremony_leaves_these_files_and_no_others(world: World) -> None:
    assert list(world.files()) == sorted(
        [
            *(f"national-root{suffix}" for suffix in (".pem", ".key.pem", ".crl.pem")),
            *(f"region-440000{suffix}" for suffix in (".pem", ".key.pem", ".crl.pem", ".json")),
            *(f"status-440000{suffix}" for suffix in (".pem", ".key.pem")),
            *(f"department-{DEPARTMENT_CODE}{suffix}" for suffix in (".pem", ".key.pem", ".json")),
            *(f"seal-maker-{SEAL_MAKER_CODE}{suffix}" for suffix in (".pem", ".key.pem", ".json")),
        ]
    )


def test_keys_are_encrypted_and_only_their_owner_may_read_them(world: World) -> None:
    for path in world.home.iterdir():
        is_key = path.name.endswith(".key.pem")
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if is_key else 0o644)
        assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") == is_key
    assert stat.S_IMODE(world.home.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("name", "purpose"), [(DEPARTMENT, Purpose.LICENCE), (SEAL_MAKER, Purpose.SEAL), (STATUS, Purpose.STATUS)]
)
def test_every_leaf_has_a_valid_path_to_the_root_for_its_purpose(world: World, name: object, purpose: Purpose) -> None:
    files = world.files()
    validate_path(
        Certificate.from_pem(files[f"{name}.pem"]).der,
        [Certificate.from_pem(files["region-440000.pem"]).der],
        [Certificate.from_pem(files["national-root.pem"]).der],
        at=START,
        crls=[RevocationList.from_pem(files[f"{authority}.crl.pem"]).der for authority in (NATIONAL_ROOT, REGION)],
        purpose=purpose,
    )


def test_each_key_belongs_to_its_certificate(world: World) -> None:
    passphrases = {"national-root": national, "region-440000": region}
    for path in world.home.glob("*.key.pem"):
        name = path.name.removesuffix(".key.pem")
        signer = load_signer(f"file:{path}", passphrase=passphrases.get(name, leaf))
        assert signer.public_key == Certificate.from_pem(world.path(f"{name}.pem").read_bytes()).public_key


def test_subjects_carry_the_code_before_the_name(world: World) -> None:
    subject = world.ceremony.entry(DEPARTMENT).certificate.subject_text
    assert subject == f"CN=省住房和城乡建设厅,O={DEPARTMENT_CODE}省住房和城乡建设厅,C=CN"
    assert world.ceremony.entry(STATUS).certificate.subject_text == "CN=广东省状态名录,O=440000广东省,C=CN"


def test_certificates_last_as_long_as_their_kind(world: World) -> None:
    years = {entry.name: entry.certificate.not_after.year - 2024 for entry in world.ceremony.entries()}
    assert years == {NATIONAL_ROOT: 30, REGION: 15, STATUS: 5, DEPARTMENT: 5, SEAL_MAKER: 5}
    assert all(entry.certificate.not_before == START for entry in world.ceremony.entries())


def test_no_certificate_outlives_its_issuer(world: World) -> None:
    world.clock.at = datetime(2037, 2, 1, tzinfo=UTC)
    world.ceremony.issue_body(*department(OTHER), passphrase=leaf, issuer_passphrase=region)
    issuer = world.ceremony.entry(REGION).certificate
    made = Certificate.from_pem(world.path(f"department-{OTHER_CODE}.pem").read_bytes())
    assert made.not_after == issuer.not_after


def test_a_certificate_made_on_a_leap_day_ends_on_the_28th(empty: World) -> None:
    empty.clock.at = datetime(2028, 2, 29, 12, tzinfo=UTC)
    empty.ceremony.init_national(name="根", passphrase=national)
    assert empty.ceremony.entry(NATIONAL_ROOT).certificate.not_after == datetime(2058, 2, 28, 12, tzinfo=UTC)


def test_serial_numbers_are_positive_random_and_at_most_16_bytes(world: World) -> None:
    serials = {entry.certificate.serial for entry in world.ceremony.entries()}
    assert len(serials) == 5
    assert all(0 < serial < 2**127 for serial in serials)


def test_authorities_begin_with_an_empty_list_for_thirty_days(world: World) -> None:
    for name in (NATIONAL_ROOT, REGION):
        crl = RevocationList.from_pem(world.path(name.crl).read_bytes())
        assert (crl.number, crl.revoked) == (1, ())
        assert (crl.this_update, crl.next_update) == (START, START + CRL_LIFETIME)
    assert timedelta(days=30) == CRL_LIFETIME


def test_the_facts_beside_the_keys_say_who_and_what(world: World) -> None:
    assert json.loads(world.path("region-440000.json").read_bytes()) == GUANGDONG.as_json()
    assert json.loads(world.path(DEPARTMENT.facts).read_bytes())["areas"] == ["44"]
    assert json.loads(world.path(SEAL_MAKER.facts).read_bytes()) == MAKER.as_json()


def test_openssl_verifies_a_departments_certificate_against_its_region(world: World) -> None:
    for name in (DEPARTMENT, SEAL_MAKER, STATUS):
        command = ["openssl", "verify", "-partial_chain", "-vfyopt", "distid:1234567812345678", "-attime"]
        shown = subprocess.run(
            [
                *command,
                str(int(START.timestamp())),
                "-trusted",
                world.path("region-440000.pem"),
                world.path(f"{name}.pem"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout.endswith(": OK\n")


def test_nothing_is_ever_made_twice_and_nobody_is_asked(world: World) -> None:
    ceremony, before = world.ceremony, world.files()
    for act in (
        lambda: ceremony.init_national(name="根", passphrase=nobody),
        lambda: ceremony.init_region(GUANGDONG, passphrase=nobody, issuer_passphrase=nobody),
        lambda: ceremony.issue_body(*department(HOUSING), passphrase=nobody, issuer_passphrase=nobody),
        lambda: ceremony.issue_body(*maker(MAKER), passphrase=nobody, issuer_passphrase=nobody),
    ):
        assert refused(act).reason is Reason.KEY_EXISTS
    assert world.files() == before


@pytest.mark.parametrize("left", ["status-440000.key.pem", "region-440000.json", "region-440000.crl.pem"])
def test_one_file_left_over_is_enough_to_refuse(world: World, left: str) -> None:
    for path in [*world.home.glob("region-*"), *world.home.glob("status-*")]:
        if path.name != left:
            path.unlink()
    error = refused(lambda: world.ceremony.init_region(GUANGDONG, passphrase=nobody, issuer_passphrase=nobody))
    assert error.reason is Reason.KEY_EXISTS
    assert left in error.detail


def test_a_wrong_issuer_passphrase_leaves_nothing_behind(world: World) -> None:
    before = world.files()
    error = refused(lambda: world.ceremony.issue_body(*department(OTHER), passphrase=leaf, issuer_passphrase=national))
    assert error.reason is Reason.PASSPHRASE_WRONG
    assert "region-440000.key.pem" in error.detail
    assert world.files() == before


def test_a_short_passphrase_leaves_nothing_behind(empty: World) -> None:
    error = refused(lambda: empty.ceremony.init_national(name="根", passphrase=lambda: b"too short"))
    assert "12 characters" in error.detail
    assert not empty.home.exists()


def test_an_exposed_issuer_key_issues_nothing(world: World) -> None:
    before = world.files()
    world.path("region-440000.key.pem").chmod(0o644)
    error = refused(lambda: world.ceremony.issue_body(*department(OTHER), passphrase=nobody, issuer_passphrase=nobody))
    assert error.reason is Reason.KEY_FILE_EXPOSED
    assert world.files() == before


def test_a_certificate_without_its_key_issues_nothing(world: World) -> None:
    world.path("region-440000.key.pem").unlink()
    error = refused(lambda: world.ceremony.issue_body(*department(OTHER), passphrase=nobody, issuer_passphrase=nobody))
    assert error.reason is Reason.KEY_NOT_FOUND


def test_another_key_in_the_issuers_place_issues_nothing(world: World) -> None:
    world.path("region-440000.key.pem").write_bytes(PrivateKey.generate().to_pem())
    error = refused(lambda: world.ceremony.issue_body(*department(OTHER), passphrase=nobody, issuer_passphrase=nobody))
    assert isinstance(error, CustodyError)
    assert error.reason is Reason.KEY_MISMATCH


def test_an_unknown_region_vouches_for_nobody(world: World) -> None:
    facts = SealMakerFacts(region="310000", code=OTHER_CODE, name="中心", name_en="Centre")
    error = refused(lambda: world.ceremony.issue_body(*maker(facts), passphrase=nobody, issuer_passphrase=nobody))
    assert isinstance(error, NotFoundError)
    assert "region-310000.pem" in error.detail


def test_an_expired_region_certifies_nobody(world: World) -> None:
    world.clock.forward(days=16 * 366)
    error = refused(lambda: world.ceremony.issue_body(*department(OTHER), passphrase=nobody, issuer_passphrase=nobody))
    assert error.reason is Reason.CERTIFICATE_EXPIRED


def test_a_clock_before_the_issuers_certificate_is_noticed(world: World) -> None:
    world.clock.forward(seconds=-1)
    error = refused(lambda: world.ceremony.issue_body(*department(OTHER), passphrase=nobody, issuer_passphrase=nobody))
    assert error.reason is Reason.CERTIFICATE_NOT_YET_VALID


def test_a_revoked_region_certifies_nobody_but_still_signs_its_list(world: World) -> None:
    world.ceremony.revoke(REGION, reason=CrlReason.CA_COMPROMISE, at=START, issuer_passphrase=national)
    error = refused(lambda: world.ceremony.issue_body(*department(OTHER), passphrase=nobody, issuer_passphrase=nobody))
    assert error.reason is Reason.CERTIFICATE_REVOKED
    world.ceremony.sign_crl(REGION, passphrase=region)


def test_a_region_works_without_the_national_root_beside_it(world: World) -> None:
    for path in world.home.glob("national-root*"):
        path.unlink()
    world.ceremony.issue_body(*department(OTHER), passphrase=leaf, issuer_passphrase=region)
    assert world.ceremony.entry(REGION).revocation is None


def test_a_second_region_stands_beside_the_first(world: World) -> None:
    shanghai = RegionFacts(region="310000", name="上海市", name_en="Shanghai")
    done = world.ceremony.init_region(shanghai, passphrase=region, issuer_passphrase=national)
    assert [path.name for path in done.files][:4] == [
        "region-310000.pem",
        "region-310000.key.pem",
        "region-310000.crl.pem",
        "region-310000.json",
    ]
    assert load_signer(f"file:{world.path('status-310000.key.pem')}", passphrase=region).public_key


def test_a_name_no_certificate_can_hold_is_refused(empty: World) -> None:
    for name in ("", "根\n", "根" * 47):
        assert isinstance(
            refused(lambda name=name: empty.ceremony.init_national(name=name, passphrase=nobody)), MalformedError
        )


def test_a_malformed_file_is_named(world: World) -> None:
    world.path("region-440000.pem").write_bytes(b"not a certificate")
    error = refused(world.ceremony.entries)
    assert isinstance(error, MalformedError)
    assert str(world.path("region-440000.pem")) in error.detail


def test_every_certificate_is_listed_with_its_standing(world: World) -> None:
    world.path("notes.pem").write_bytes(b"somebody's own file")
    entries = world.ceremony.entries()
    assert [entry.name for entry in entries] == [NATIONAL_ROOT, REGION, STATUS, DEPARTMENT, SEAL_MAKER]
    assert {entry.standing for entry in entries} == {Standing.IN_FORCE}
    assert {entry.key_mode for entry in entries} == {0o600}
    world.clock.forward(days=6 * 366)
    assert world.ceremony.entry(DEPARTMENT).standing is Standing.EXPIRED
    world.clock.at = START - timedelta(seconds=1)
    assert world.ceremony.entry(DEPARTMENT).standing is Standing.NOT_YET_VALID


def test_an_entry_is_plain_json(world: World) -> None:
    shown = world.ceremony.entry(DEPARTMENT)
    key = shown.certificate.public_key
    assert key is not None
    assert json.loads(json.dumps(shown.as_json())) == {
        "name": f"department-{DEPARTMENT_CODE}",
        "kind": "department",
        "standing": "in-force",
        "serial": f"{shown.certificate.serial:x}",
        "keyId": key.key_id.hex(),
        "subject": shown.certificate.subject_text,
        "issuer": shown.certificate.issuer_text,
        "notBefore": "2024-03-01T08:30:15Z",
        "notAfter": "2029-03-01T08:30:15Z",
        "keyMode": "0600",
        "revoked": None,
        "facts": HOUSING.as_json(),
        "crl": None,
    }


def test_a_copy_without_keys_still_lists(world: World, tmp_path: Path) -> None:
    public = tmp_path / "public"
    shutil.copytree(world.home, public, ignore=shutil.ignore_patterns("*.key.pem"))
    entries = World(public).ceremony.entries()
    assert len(entries) == 5
    assert {entry.key_mode for entry in entries} == {None}
