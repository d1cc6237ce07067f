"""The command line as an operator meets it: exit status, streams, and no traceback whatever happens."""

from __future__ import annotations

import json
import resource
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ecert.cli.settings import KNOWN_VARIABLES
from ecert.sm2 import PrivateKey
from ecert.x509 import CrlReason, Revocation, RevocationList
from tests.keys.conftest import (
    DEPARTMENT,
    DEPARTMENT_CODE,
    LEAF_PASSPHRASE,
    NATIONAL_PASSPHRASE,
    OTHER_CODE,
    REGION,
    REGION_PASSPHRASE,
    SEAL_MAKER_CODE,
    STATUS,
    TYPE,
    Inside,
    Shell,
    World,
)

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

COMMANDS = [
    "init-national",
    "init-region",
    "issue-department",
    "issue-seal-maker",
    "rotate",
    "revoke",
    "sign-crl",
    "list",
    "show",
]


@pytest.fixture
def passphrases(tmp_path: Path) -> dict[str, Path]:
    files = {"national": NATIONAL_PASSPHRASE, "region": REGION_PASSPHRASE, "leaf": LEAF_PASSPHRASE}
    for name, passphrase in files.items():
        (tmp_path / name).write_bytes(passphrase + b"\n")
    return {name: tmp_path / name for name in files}


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


def refused(result: subprocess.CompletedProcess[str], code: str, status: int = 1) -> str:
    """Expect the code in front of a Chinese and of an English line, nothing on stdout, and no traceback."""
    assert result.returncode == status, result.stderr
    assert not result.stdout
    chinese, english = result.stderr.splitlines()
    assert chinese.startswith(f"{code}: ")
    assert not chinese.isascii()
    assert english.startswith(f"{code}: ")
    return english


def test_a_whole_ceremony_by_command_line(keys: Shell, tmp_path: Path, passphrases: dict[str, Path]) -> None:
    home = tmp_path / "pki"
    result = keys("init-national", "--home", home, "--name", "国家根", "--passphrase-file", passphrases["national"])
    assert done(result).splitlines() == [str(home / f"national-root{s}.pem") for s in ("", ".key", ".crl")]
    assert "两个保险柜" in result.stderr
    assert "two safes" in result.stderr
    assert str(home / "national-root.key.pem") in result.stderr

    result = keys(
        *("init-region", "--home", home, "--region", "440000", "--name", "广东省", "--name-en", "Guangdong"),
        ECERT_PASSPHRASE_FILE=passphrases["region"],
        ECERT_ISSUER_PASSPHRASE=NATIONAL_PASSPHRASE.decode(),
    )
    assert len(done(result).splitlines()) == 6
    assert "--status-passphrase-file" in result.stderr  # both keys share a passphrase, and that is said

    result = keys(
        *("issue-department", "--region", "440000", "--code", DEPARTMENT_CODE, "--name", "厅", "--name-en", "Office"),
        *("--type", TYPE, "--type", "11100000MB03271699001", "--area", "440100", "--area", "440306"),
        ECERT_KEYS_HOME=home,
        ECERT_PASSPHRASE=LEAF_PASSPHRASE.decode(),
        ECERT_ISSUER_PASSPHRASE_FILE=passphrases["region"],
    )
    done(result)
    facts = json.loads((home / DEPARTMENT.facts).read_bytes())
    assert (facts["types"], facts["areas"]) == ([TYPE, "11100000MB03271699001"], ["4401", "440306"])

    done(
        keys(
            *("issue-seal-maker", "--home", home, "--region", "440000", "--code", SEAL_MAKER_CODE),
            *("--name", "中心", "--name-en", "Centre", "--passphrase-file", passphrases["region"]),
        )
    )  # the issuer's passphrase falls back to the same source

    listed = json.loads(done(keys("list", "--home", home, "--json")))
    assert [row["kind"] for row in listed] == ["national-root", "region", "status", "department", "seal-maker"]
    assert {row["standing"] for row in listed} == {"in-force"}
    assert len(done(keys("list", "--home", home)).splitlines()) == 5


def test_a_status_key_may_have_a_passphrase_of_its_own(
    inside: Inside, world: World, passphrases: dict[str, Path]
) -> None:
    result = inside(
        *("init-region", "--home", world.home, "--region", "310000", "--name", "上海市", "--name-en", "Shanghai"),
        *("--passphrase-file", passphrases["region"], "--status-passphrase-file", passphrases["leaf"]),
        *("--issuer-passphrase-file", passphrases["national"]),
    )
    done(result)
    assert "--status-passphrase-file" not in result.stderr
    PrivateKey.from_pem(world.path("status-310000.key.pem").read_bytes(), LEAF_PASSPHRASE)


def test_rotate_revoke_and_sign_crl_by_command_line(inside: Inside, world: World, passphrases: dict[str, Path]) -> None:
    old = world.ceremony.entry(DEPARTMENT).certificate
    there = ("--home", world.home, "--issuer-passphrase-file", passphrases["region"])
    rotated = inside("rotate", DEPARTMENT, *there, "--passphrase-file", passphrases["leaf"])
    kept = f"{DEPARTMENT}.{old.serial:x}"
    assert str(world.path(f"{kept}.pem")) in done(rotated).splitlines()
    assert "Destroy the old key" in rotated.stderr

    revoked = inside("revoke", kept, *there, "--reason", "key-compromise", "--at", "2024-03-02T00:00:00+08:00")
    assert done(revoked) == f"{world.path(REGION.crl)}\n"
    assert "Publish the new revocation list" in revoked.stderr

    done(inside("sign-crl", REGION, "--home", world.home, "--passphrase-file", passphrases["region"]))
    crl = RevocationList.from_pem(world.path(REGION.crl).read_bytes())
    assert crl.number == 3
    assert crl.revoked == (Revocation(old.serial, datetime(2024, 3, 1, 16, tzinfo=UTC), CrlReason.KEY_COMPROMISE),)


def test_show_tells_facts_key_id_mode_and_revocation(inside: Inside, world: World) -> None:
    entry = world.ceremony.entry(REGION)
    assert entry.certificate.public_key is not None
    shown = json.loads(done(inside("show", "region-440000", "--home", world.home, "--json")))
    assert shown["keyId"] == entry.certificate.public_key.key_id.hex()
    assert shown["keyMode"] == "0600"
    assert shown["revoked"] is None
    assert shown["crl"]["number"] == 1
    assert f"keyId: {shown['keyId']}" in done(inside("show", "region-440000", "--home", world.home)).splitlines()


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)])
def test_help_is_in_both_languages_and_offers_no_passphrase_option(inside: Inside, command: list[str]) -> None:
    text = done(inside(*command, "--help"))
    assert not text.isascii()
    assert "--passphrase " not in text
    assert "--passphrase=" not in text


@pytest.mark.parametrize("option", ["--passphrase", "--passphrase=correct horse battery", "--issuer-passphrase", "-p"])
def test_a_passphrase_on_the_command_line_is_not_accepted(inside: Inside, empty: World, option: str) -> None:
    result = inside("init-national", "--home", empty.home, "--name", "根", option, "correct horse battery")
    assert result.returncode == 2
    assert "correct horse battery" not in result.stdout
    assert not empty.home.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["init-national"],
        ["issue-department", "--region", "440000"],
        ["show"],
        ["revoke", "status-440000"],
        ["list", "--no-such-option"],
    ],
)
def test_wrong_usage_exits_2(inside: Inside, world: World, arguments: list[str]) -> None:
    result = inside(*arguments, ECERT_KEYS_HOME=world.home)
    assert result.returncode == 2
    assert not result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "../region-440000"],
        ["rotate", "region-440000"],
        ["sign-crl", "status-440000"],
        ["revoke", "status-440000", "--reason", "boredom", "--at", "now"],
        ["revoke", "status-440000", "--reason", "superseded", "--at", "yesterday"],
        ["revoke", "status-440000", "--reason", "superseded", "--at", "2024-03-02T00:00:00"],
        ["revoke", "status-440000", "--reason", "superseded", "--at", "2200-01-01T00:00:00Z"],
        ["revoke", "national-root", "--reason", "superseded", "--at", "now"],
    ],
)
def test_a_value_that_makes_no_sense_exits_2_with_a_code(inside: Inside, world: World, arguments: list[str]) -> None:
    refused(inside(*arguments, "--home", world.home), "usage", 2)


def test_a_directory_that_is_not_there_is_not_made_by_looking(inside: Inside, empty: World) -> None:
    for command in (["list"], ["show", "national-root"]):
        assert "--home" in refused(inside(*command, "--home", empty.home), "usage", 2)
    assert not empty.home.exists()


def test_a_misspelt_variable_is_refused_before_anything_happens(keys: Shell, empty: World) -> None:
    result = keys("init-national", "--home", empty.home, "--name", "根", ECERT_PASSPHRASE_FLIE="x")
    english = refused(result, "usage", 2)
    assert "ECERT_PASSPHRASE_FLIE" in english
    assert all(name in english for name in KNOWN_VARIABLES)
    assert not empty.home.exists()


def test_without_a_passphrase_the_three_ways_are_named(inside: Inside, empty: World) -> None:
    english = refused(inside("init-national", "--home", empty.home, "--name", "根"), "passphrase-missing")
    for way in ("--passphrase-file", "ECERT_PASSPHRASE", "ECERT_PASSPHRASE_FILE", "terminal"):
        assert way in english
    assert not empty.home.exists()


def test_a_short_passphrase_is_refused(inside: Inside, empty: World) -> None:
    result = inside("init-national", "--home", empty.home, "--name", "根", ECERT_PASSPHRASE="short")
    assert "12 characters" in refused(result, "usage", 2)
    assert not empty.home.exists()


def department(inside: Inside, world: World, **variables: str) -> subprocess.CompletedProcess[str]:
    return inside(
        *("issue-department", "--home", world.home, "--region", "440000", "--code", OTHER_CODE),
        *("--name", "厅", "--name-en", "Office", "--type", TYPE),
        **variables,
    )


def test_a_wrong_issuer_passphrase_leaves_nothing_behind(inside: Inside, world: World) -> None:
    before = world.files()
    result = department(inside, world, ECERT_PASSPHRASE=LEAF_PASSPHRASE.decode())
    assert "region-440000.key.pem" in refused(result, "passphrase-wrong")
    assert world.files() == before


def test_an_existing_root_is_not_overwritten(inside: Inside, world: World) -> None:
    before = world.files()
    result = inside("init-national", "--home", world.home, "--name", "根", ECERT_PASSPHRASE="correct horse battery")
    assert "national-root.pem exists" in refused(result, "key-exists")
    assert world.files() == before


def test_an_exposed_key_says_chmod(inside: Inside, world: World) -> None:
    world.path(REGION.key).chmod(0o640)
    result = inside("sign-crl", "region-440000", "--home", world.home, ECERT_PASSPHRASE=REGION_PASSPHRASE.decode())
    assert f"chmod 600 {world.path(REGION.key)}" in refused(result, "key-file-exposed")


@pytest.mark.parametrize("size", [0, 300, 600])
def test_a_full_disk_leaves_nothing_half_written(keys: Shell, empty: World, size: int) -> None:
    empty.home.mkdir(mode=0o700)

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    arguments = ("init-national", "--home", empty.home, "--name", "根")
    result = keys(*arguments, before=small_files, ECERT_PASSPHRASE="correct horse battery")
    refused(result, "internal")
    assert list(empty.home.iterdir()) == []


def test_a_full_disk_in_a_rotation_leaves_the_old_key_in_place(keys: Shell, world: World) -> None:
    before = world.files()

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))

    secrets = {"ECERT_PASSPHRASE": LEAF_PASSPHRASE.decode(), "ECERT_ISSUER_PASSPHRASE": REGION_PASSPHRASE.decode()}
    result = keys("rotate", str(STATUS), "--home", world.home, before=small_files, **secrets)
    assert result.returncode == 1
    assert world.files() == before


def test_an_engine_nobody_knows_is_refused(inside: Inside, world: World) -> None:
    assert "'rot13'" in refused(inside("--engine", "rot13", "list", "--home", world.home), "engine-missing")
    assert "'rot13'" in refused(inside("list", "--home", world.home, ECERT_ENGINE="rot13"), "engine-missing")


def test_the_gmssl_engine_works_and_warns_in_one_line(keys: Shell, world: World) -> None:
    result = keys(
        *("--engine", "gmssl", "sign-crl", "region-440000", "--home", world.home),
        ECERT_PASSPHRASE=REGION_PASSPHRASE.decode(),
    )
    done(result)
    assert result.stderr.splitlines()[0].startswith("注意 / warning: the gmssl engine")
    assert "by_gmssl.py" not in result.stderr
    crl = RevocationList.from_pem(world.path(REGION.crl).read_bytes())
    crl.verify_issued_by(world.ceremony.entry(REGION).certificate.public_key)


def test_every_reason_offered_is_one_a_list_can_carry() -> None:
    from keys.options import REVOCATION_REASONS, parse_reason  # noqa: PLC0415  (needed here alone)

    assert {parse_reason(text) for text in REVOCATION_REASONS} == set(CrlReason) - {
        CrlReason.CERTIFICATE_HOLD,
        CrlReason.REMOVE_FROM_CRL,
        CrlReason.AA_COMPROMISE,
    }
