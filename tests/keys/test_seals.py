"""Making a department's seal in a ceremony directory."""

from __future__ import annotations

import json
import stat
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ecert.errors import EcertError, IssuanceError, Reason
from ecert.seal import Seal, assess_seal
from ecert.seal.font import SealFont
from ecert.seal.picture import Emblem
from ecert.sm2 import sm3
from ecert.x509 import CrlReason, PathValidator, Purpose, ValidatedPath, validate_path
from keys.seals import SealOrder, make
from tests.keys.conftest import (
    DEPARTMENT,
    DEPARTMENT_CODE,
    HOUSING,
    LEAF_PASSPHRASE,
    SEAL_MAKER,
    SEAL_MAKER_CODE,
    START,
    Shell,
    World,
    leaf,
    nobody,
    region,
)
from tests.seal.fonts import small_font

if TYPE_CHECKING:
    from pathlib import Path

    from ecert.x509 import Certificate
    from keys.names import KeyName

CODE = "44000000000001"
FONT = small_font(*HOUSING.name, *"业务专用章0123456789")


def order(**changes: object) -> SealOrder:
    values: dict[str, object] = {
        "maker": SEAL_MAKER_CODE,
        "department": DEPARTMENT_CODE,
        "code": CODE,
        "diameter": 45,
    }
    return SealOrder(**(values | changes))  # type: ignore[arg-type]


def made(world: World, **changes: object) -> Seal:
    done = make(world.home, order(**changes), SealFont([FONT]), passphrase=leaf, now=world.clock())
    return Seal.decode(done.files[0].read_bytes())


def certificate(world: World, name: str) -> Certificate:
    from ecert.x509 import Certificate  # noqa: PLC0415

    return Certificate.from_pem(world.path(f"{name}.pem").read_bytes())


def anchored(world: World) -> PathValidator:
    def validate(leaf_der: bytes, *, at: datetime, purpose: Purpose) -> ValidatedPath:
        anchors, others = [certificate(world, "national-root").der], [certificate(world, "region-440000").der]
        return validate_path(leaf_der, others, anchors, at=at, purpose=purpose)

    return validate


def test_a_seal_is_drawn_signed_filed_and_believed(world: World) -> None:
    seal = made(world)
    department = certificate(world, str(DEPARTMENT))
    assert seal.info.code == CODE
    assert (seal.info.name, seal.info.kind) == (HOUSING.name, 1)
    assert seal.info.lists(department.der)
    assert (seal.info.created, seal.info.not_before, seal.info.not_after) == (START, START, department.not_after)
    assert seal.maker_certificate == certificate(world, str(SEAL_MAKER)).der
    assess_seal(seal, validate=anchored(world), at=START + timedelta(days=1)).require()
    assert seal.info.picture.data == world.path(f"seal-{CODE}.png").read_bytes()
    assert (seal.info.picture.kind, seal.info.picture.width, seal.info.picture.height) == ("PNG", 45, 45)
    assert world.path(f"seal-{CODE}.svg").read_bytes().startswith(b"<svg ")
    assert json.loads(world.path(f"seal-{CODE}.json").read_bytes()) == {
        "code": CODE,
        "kind": 1,
        "name": HOUSING.name,
        "department": DEPARTMENT_CODE,
        "maker": SEAL_MAKER_CODE,
        "created": "2024-03-01T08:30:15Z",
        "notBefore": "2024-03-01T08:30:15Z",
        "notAfter": f"{department.not_after:%Y-%m-%dT%H:%M:%SZ}",
        "sm3": sm3(seal.der).hex(),
    }
    assert stat.S_IMODE(world.path(f"seal-{CODE}.esl").stat().st_mode) == 0o644
    assert [str(entry.name) for entry in world.ceremony.entries()][-1] == str(SEAL_MAKER)


def test_a_seal_for_one_business_says_so(world: World) -> None:
    seal = made(world, title="业务专用章", emblem=Emblem("M0 0H1V1H0z"))
    assert (seal.info.name, seal.info.kind) == (HOUSING.name + "业务专用章", 99)


def test_a_seal_is_never_overwritten_and_made_anew_only_beside_the_old(world: World) -> None:
    first = made(world)
    with pytest.raises(EcertError) as caught:
        make(world.home, order(), SealFont([FONT]), passphrase=nobody, now=world.clock())
    assert caught.value.reason is Reason.KEY_EXISTS
    world.clock.forward(days=1)
    world.ceremony.rotate(DEPARTMENT, passphrase=leaf, issuer_passphrase=region)
    second = made(world, again=True)
    assert second.info.lists(certificate(world, str(DEPARTMENT)).der)
    assert not first.info.lists(certificate(world, str(DEPARTMENT)).der)
    kept = f"seal-{CODE}.{sm3(first.der).hex()[:16]}"
    assert world.path(f"{kept}.esl").read_bytes() == first.der
    assert all(world.path(f"{kept}.{one}").exists() for one in ("json", "svg", "png"))
    assert made(world, again=True).info.created == second.info.created


def test_a_seal_that_is_not_there_is_not_made_anew(world: World) -> None:
    before = world.files()
    with pytest.raises(EcertError) as caught:
        made(world, again=True)
    assert caught.value.reason is Reason.KEY_NOT_FOUND
    assert world.files() == before


@pytest.mark.parametrize("name", [DEPARTMENT, SEAL_MAKER])
def test_a_revoked_or_expired_certificate_gets_and_makes_no_seal(world: World, name: KeyName) -> None:
    world.clock.forward(days=1)
    world.ceremony.revoke(name, reason=CrlReason.SUPERSEDED, at=world.clock(), issuer_passphrase=region)
    before = world.files()
    with pytest.raises(EcertError) as caught:
        make(world.home, order(), SealFont([FONT]), passphrase=nobody, now=world.clock())
    assert caught.value.reason is Reason.CERTIFICATE_REVOKED
    world.clock.forward(days=6 * 365)
    with pytest.raises(EcertError):
        make(world.home, order(), SealFont([FONT]), passphrase=nobody, now=world.clock())
    assert world.files() == before


def test_a_missing_character_is_named_before_anybody_is_asked(world: World) -> None:
    with pytest.raises(IssuanceError, match="厅"):
        make(world.home, order(), SealFont([small_font(*HOUSING.name[:-1])]), passphrase=nobody, now=world.clock())


@pytest.mark.parametrize("code", ["", "4400000000001", "440000000000012", "99000000000001", "4400000000000A"])
def test_a_code_that_is_none_is_refused(code: str) -> None:
    with pytest.raises(IssuanceError) as caught:
        order(code=code)
    assert caught.value.reason is Reason.SEAL_FIELD_INVALID


@pytest.mark.parametrize("who", [{"maker": "../x"}, {"department": "11220000013544541J"}, {"maker": "a" * 18}])
def test_a_maker_or_department_that_is_not_here_is_refused(world: World, who: dict[str, str]) -> None:
    with pytest.raises(EcertError) as caught:
        made(world, **who)
    assert caught.value.reason in (Reason.USAGE, Reason.KEY_NOT_FOUND)


def test_another_makers_key_in_the_makers_place_is_noticed(world: World) -> None:
    world.path(f"{SEAL_MAKER}.key.pem").write_bytes(world.path(f"{DEPARTMENT}.key.pem").read_bytes())
    with pytest.raises(EcertError) as caught:
        made(world)
    assert caught.value.reason is Reason.KEY_MISMATCH


def test_the_command_line_makes_a_seal_and_refuses_in_two_languages(world: World, keys: Shell, tmp_path: Path) -> None:
    (tmp_path / "font.ttf").write_bytes(FONT)
    (tmp_path / "emblem.txt").write_text("M0 0 H10 V10 H0 Z")
    (tmp_path / "leaf").write_bytes(LEAF_PASSPHRASE + b"\n")
    arguments: list[str | Path] = [
        "make-seal",
        *("--home", world.home, "--maker", SEAL_MAKER_CODE, "--department", DEPARTMENT_CODE, "--code", CODE),
        *("--font", tmp_path / "font.ttf", "--passphrase-file", tmp_path / "leaf"),
    ]
    done = keys(*arguments, "--level", "township", "--emblem", tmp_path / "emblem.txt")
    assert done.returncode == 0, done.stderr
    expected = [str(world.path(f"seal-{CODE}.{one}")) for one in ("esl", "json", "svg", "png")]
    assert done.stdout.splitlines() == expected
    assert Seal.decode(world.path(f"seal-{CODE}.esl").read_bytes()).info.picture.width == 42
    refusals: list[tuple[list[str | Path], str]] = [
        ([], "key-exists"),
        (["--level", "county"], "usage"),
        (["--diameter", "99", "--again"], "seal-field-invalid"),
        (["--font", tmp_path / "leaf"], "seal-font-unusable"),
        (["--font", tmp_path / "missing"], "seal-font-unusable"),
        (["--emblem", tmp_path / "leaf", "--again"], "seal-field-invalid"),
    ]
    for extra, code in refusals:
        refused = keys(*arguments, *extra)
        assert refused.returncode in (1, 2)
        chinese, english = refused.stderr.splitlines()
        assert chinese.startswith(f"{code}: ")
        assert english.startswith(f"{code}: ")
