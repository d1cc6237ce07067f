"""Licence files as a department makes them: sealed when it issues, written again, copied for somebody."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from api import schema
from api.ledger import SqlLedger
from ecert.cli.published import load_published_holdings
from ecert.licence.identifier import parse_identifier
from ecert.licence.validity import china_day
from ecert.ofd.content import read_record
from ecert.ofd.copies import read_note
from ecert.ofd.package import Package
from ecert.ofd.pictures import qr_png
from ecert.seal import Seal, Sealing, SealRequest, make_seal
from ecert.trust import Member, Role
from ecert.verification import Outcome
from ecert.verification.files import FileKind, Question, assess_file
from ecert.x509 import Profile
from tests.api.province import DEMO, GUANGDONG, SHANGHAI, Provinces, now
from tests.api.test_commands import api, at, key_file, signed
from tests.seal.forge import PICTURE
from tests.trust.country import ISSUERS

if TYPE_CHECKING:
    from ecert.verification.files import FileVerdict

CODE = "44000000000001"
BODIES = {
    "maker": (Role.SEAL_MAKER, Profile.SEAL_MAKER, "91440000DEMG90019D"),
    "tsa": (Role.TSA, Profile.TSA, "12440000DEMG90018F"),
}
IN_NO_FONT = "\U0002a700"
"""A character of extension C that Noto CJK does not have."""
PORTRAIT = b64encode(qr_png((b"\1\0", b"\0\1"))).decode()
"""A picture; what it shows is nobody."""
DAY = timedelta(days=1)


@dataclass
class Office:
    """A department with a seal that is filed, in a province with a time-stamping authority."""

    provinces: Provinces

    def __post_init__(self) -> None:
        for name, (role, profile, code) in BODIES.items():
            certificate = self.provinces.country.certify(name, profile, GUANGDONG)
            member = Member(role, code, f"样例机构{code}", f"Sample {code}", (certificate.der,))
            self.provinces.repository.add_member(GUANGDONG, member)
        self.provinces.put_out_registry()
        self.seal = self.make_seal(ISSUERS[GUANGDONG])
        api("seal", "file", self.seal, *at(self.provinces))

    @property
    def out(self) -> Path:
        return self.provinces.folder / "out"

    def make_seal(self, owner: str) -> Path:
        country, since = self.provinces.country, now() - DAY
        request = SealRequest(
            code=CODE,
            kind=1,
            name="样例省市场监督管理局",
            certificates=(country.certificates[owner].der,),
            created=since,
            not_before=since,
            not_after=since + 365 * DAY,
            picture=PICTURE,
        )
        path = self.provinces.folder / f"{owner}.esl"
        path.write_bytes(
            make_seal(request, signer=country.keys["maker"], certificate=country.certificates["maker"]).der
        )
        return path

    def application(self, slug: str = "business-licence", **changes: Any) -> Path:
        rows = json.loads((DEMO / f"{slug}.json").read_text("utf-8"))
        row = next(row for row in rows if row["certificateAreaCode"].startswith("44"))
        file = self.provinces.folder / "application.json"
        file.write_text(json.dumps(row | changes), "utf-8")
        return file

    def issue(self, file: Path, *options: object, seal: bool = True, code: int = 0) -> tuple[str, str]:
        sealing = ("--seal", self.seal) if seal else ()
        return api(
            *("issue", file, "--signer", key_file(self.provinces, ISSUERS[GUANGDONG]), *at(self.provinces)),
            *("--out", self.out, "--json", *sealing, *options),
            code=code,
        )

    def issued(self, *options: object, **changes: Any) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.issue(self.application(**changes), *options)[0])
        return said

    def assess(self, file: Path) -> FileVerdict:
        """Assess a file as a window that holds everything published."""
        api("publish", *signed(self.provinces))
        moment = now() + timedelta(seconds=1)
        held = load_published_holdings(self.provinces.published, moment)
        return assess_file(file.read_bytes(), FileKind.OFD, held, Question(at=moment, now=moment))

    def untouched(self) -> bool:
        """Tell whether nothing was intended, completed or written."""
        with SqlLedger(self.provinces.ledger()) as book:
            intents = book.database.number(select(func.count()).select_from(schema.intents))
        return intents == 0 and not any(self.out.glob("*"))


@pytest.fixture
def office(provinces: Provinces) -> Office:
    return Office(provinces)


def test_a_licence_gets_a_sealed_and_stamped_file_that_carries_its_record(office: Office) -> None:
    said = office.issued("--tsa", key_file(office.provinces, "tsa"))
    file, record = Path(said["file"]), Path(said["record"])
    assert (file.suffix, file.stem, file.stat().st_mode & 0o777) == (".ofd", record.stem, 0o600)
    package = Package.read(file.read_bytes())
    assert read_record(package) == record.read_bytes()
    value = next(part for name, part in package.parts.items() if name.endswith("SignedValue.dat"))
    assert Sealing.decode(value).time_stamp is not None
    assert Sealing.decode(value).seal == Seal.decode(office.seal.read_bytes())
    verdict = office.assess(file)
    assert (verdict.outcome, verdict.error) == (Outcome.VALID, None)


def test_without_a_seal_there_is_no_file(office: Office) -> None:
    said = json.loads(office.issue(office.application(), seal=False)[0])
    assert said["file"] is None
    assert not any(office.out.glob("*.ofd"))
    with SqlLedger(office.provinces.ledger()) as book:
        assert book.file(parse_identifier(said["identifier"])) is None


def test_a_file_comes_out_of_the_ledger_byte_for_byte(office: Office) -> None:
    said = office.issued()
    again = office.provinces.folder / "again"
    exported = json.loads(
        api("export", said["identifier"], "--ledger", office.provinces.ledger(), "--out", again, "--json")[0]
    )
    for kind in (".ofd", ".bin", ".txt", ".png"):
        first, second = Path(said["file"]).with_suffix(kind), Path(exported["file"]).with_suffix(kind)
        assert first.read_bytes() == second.read_bytes()


def test_what_cannot_be_set_is_refused_before_the_ledger_and_the_key(office: Office) -> None:
    _, err = office.issue(office.application(certificateHolderName=f"样例{IN_NO_FONT}公司"), code=1)
    assert "layout-text-undrawable" in err
    assert "certificateHolderName" in err
    assert office.untouched()


def test_the_longest_name_and_scope_are_issued(office: Office) -> None:
    file = office.application(certificateHolderName="样" * 256)
    row = json.loads(file.read_text("utf-8"))
    row["extendInfo"]["businessScope"] = "样例；" * 600
    file.write_text(json.dumps(row), "utf-8")
    out, _ = office.issue(file)
    said = json.loads(out)
    assert office.assess(Path(said["file"])).outcome is Outcome.VALID
    assert "Doc_0/Pages/Page_1/Content.xml" in Package.read(Path(said["file"]).read_bytes()).parts


def test_a_character_that_no_font_has_is_named(office: Office) -> None:
    _, err = office.issue(office.application(certificateHolderName="样例\U00031000公司"), code=1)
    assert "layout-text-undrawable" in err
    assert "31000" in err
    assert office.untouched()


def test_one_application_that_cannot_be_set_holds_back_all_of_its_file(office: Office) -> None:
    file = office.application()
    row = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps([row, row | {"certificateHolderName": f"样例{IN_NO_FONT}公司"}]), "utf-8")
    _, err = office.issue(file, code=1)
    assert "layout-text-undrawable" in err
    assert office.untouched()


def test_a_portrait_stands_in_the_file(office: Office) -> None:
    said = office.issued(slug="driving-licence", portrait=PORTRAIT)
    parts = Package.read(Path(said["file"]).read_bytes()).parts
    assert qr_png((b"\1\0", b"\0\1")) in parts.values()
    assert office.assess(Path(said["file"])).outcome is Outcome.VALID


@pytest.mark.parametrize(
    ("slug", "portrait", "seal", "said"),
    [
        ("business-licence", PORTRAIT, True, "/portrait"),
        ("driving-licence", PORTRAIT, False, "/portrait"),
        ("driving-licence", "not base64", True, "/portrait"),
        ("driving-licence", b64encode(b"GIF89a").decode(), True, "/portrait"),
        ("driving-licence", b64encode(b"\x89PNG\r\n\x1a\n" + bytes(4)).decode(), True, "layout-picture-unusable"),
        ("driving-licence", b64encode(b"\xff\xd8\xff" + bytes(1 << 19)).decode(), True, "/portrait"),
    ],
)
def test_a_portrait_that_cannot_be_shown_is_refused(
    office: Office, slug: str, portrait: str, *, seal: bool, said: str
) -> None:
    _, err = office.issue(office.application(slug, portrait=portrait), seal=seal, code=1)
    assert said in err
    assert office.untouched()


@pytest.mark.parametrize(("command", "reason"), [("suspend", "seal-suspended"), ("cancel", "seal-cancelled")])
def test_a_seal_that_may_not_be_used_now_seals_nothing(office: Office, command: str, reason: str) -> None:
    api("seal", command, CODE, "--reason", "样例", "--ledger", office.provinces.ledger())
    _, err = office.issue(office.application(), code=1)
    assert reason in err
    assert office.untouched()


def test_anothers_seal_completes_nothing(office: Office) -> None:
    office.seal = office.make_seal(ISSUERS[SHANGHAI])
    office.issue(office.application(), code=1)
    with SqlLedger(office.provinces.ledger()) as book:
        assert book.database.number(select(func.count()).select_from(schema.completions)) == 0
    assert not any(office.out.glob("*"))


def test_only_a_registered_authority_stamps_time(office: Office) -> None:
    _, err = office.issue(office.application(), "--tsa", key_file(office.provinces, "maker"), code=1)
    assert "key-mismatch" in err
    assert office.untouched()


def copy(office: Office, file: Path, *options: object, code: int = 0, **changes: str) -> tuple[str, str]:
    said = {"for": "样例银行", "cause": "开户", "until": china_day(now()).isoformat()} | changes
    return api(
        *("copy", file, *(part for name, value in said.items() for part in (f"--{name}", value))),
        *("--signer", key_file(office.provinces, ISSUERS[GUANGDONG]), "--bundle", office.provinces.published),
        *("--out", office.provinces.folder / "copy.ofd", *options),
        code=code,
    )


def test_a_copy_says_who_why_and_until_when_and_both_signatures_verify(office: Office) -> None:
    file = Path(office.issued()["file"])
    api("publish", *signed(office.provinces))
    copy(office, file)
    made = office.provinces.folder / "copy.ofd"
    note = read_note(Package.read(made.read_bytes()))
    assert note is not None
    assert (note.creator, note.cause, note.expires) == ("样例银行", "开户", china_day(now()))
    verdict = office.assess(made)
    assert verdict.outcome is Outcome.VALID
    original, copied = Package.read(file.read_bytes()).parts, Package.read(made.read_bytes()).parts
    assert {name for name in original if original[name] != copied.get(name)} == {"Doc_0/Signs/Signatures.xml"}


def test_no_copy_is_made_of_a_file_that_does_not_stand(office: Office) -> None:
    said = office.issued()
    file = Path(said["file"])
    api("publish", *signed(office.provinces))
    broken = office.provinces.folder / "broken.ofd"
    broken.write_bytes(file.read_bytes()[:-200])
    _, err = copy(office, broken, code=1)
    assert "file-damaged" in err
    api("revoke", said["identifier"], *at(office.provinces), "--reason", "样例")
    api("publish", *signed(office.provinces))
    _, err = copy(office, file, code=1)
    assert "revoked" in err
    assert not (office.provinces.folder / "copy.ofd").exists()


@pytest.mark.parametrize(
    "changes", [{"until": "2020-01-01"}, {"until": "tomorrow"}, {"for": ""}, {"cause": "样" * 201}, {"for": "a\nb"}]
)
def test_a_copy_that_says_nothing_sensible_is_not_made(office: Office, changes: dict[str, str]) -> None:
    file = Path(office.issued()["file"])
    api("publish", *signed(office.provinces))
    copy(office, file, code=1, **changes)
    assert not (office.provinces.folder / "copy.ofd").exists()
