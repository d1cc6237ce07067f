"""Files handed to a window: OFD licences, seals and signature values, by what the window holds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ecert import envelope
from ecert.cli.fonts import load_fonts
from ecert.cli.pixels import qr_modules
from ecert.errors import IssuanceError, Reason
from ecert.file_report import CHECK_TITLES, file_verdict_json, file_verdict_text
from ecert.licence.record import decode_record, read_fields
from ecert.licence.types import find_type
from ecert.ofd.archive import write_package
from ecert.ofd.compose import FaceContent, face_values
from ecert.ofd.copies import CopyNote, make_copy
from ecert.ofd.layout import load_layout
from ecert.ofd.package import Package
from ecert.ofd.report import Verdict as Overall
from ecert.ofd.sealing import Sealer, seal_file, sign_file
from ecert.ofd.writer import LicenceDocument, write_licence
from ecert.revocation import SealEvent, SealState, SealStatusList, State, StatusEvent, StatusView
from ecert.seal import Seal, SealRequest, apply_seal, make_seal
from ecert.sm2 import sm3
from ecert.timestamp import issue_token
from ecert.verification import Outcome
from ecert.verification.files import (
    FileKind,
    FileVerdict,
    Question,
    assess_file,
    kind_of_file,
)
from ecert.x509 import CrlReason, Revocation
from tests.seal.forge import PICTURE
from tests.world import HOST, ISSUER, NARROW, START, World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ecert.issuance import SealedLicence
    from ecert.ofd.fonts import FontSet
    from ecert.trust import Registry

CODE = "44000000000001"
DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def fonts() -> FontSet:
    try:
        return load_fonts()
    except IssuanceError as error:
        pytest.skip(error.detail)


@dataclass
class Window:
    """What a window holds, and what it is handed."""

    world: World
    fonts: FontSet
    registry: Registry | None = None
    status: StatusView = field(default_factory=StatusView)
    seals: Mapping[str, SealStatusList] = field(default_factory=dict)

    def update(self, *events: tuple[SealState, datetime], fresh: timedelta = 7 * DAY) -> None:
        """Take everything that was decided; the seal was filed a month ago."""
        self.registry = self.world.registry()
        self.status = self.world.status(self.registry)
        filed = ((SealState.ACTIVE, START - 30 * DAY), *events)
        history = tuple(SealEvent(state, since, since, "样例") for state, since in filed)
        now = self.world.now
        self.seals = {"440000": SealStatusList("440000", 1, now, now + fresh, {CODE: history})}

    def seal(self, owner: str = ISSUER, maker: str = "maker-440000", code: str = CODE) -> Seal:
        request = SealRequest(
            code=code,
            kind=1,
            name="样例省市场监督管理局",
            certificates=(self.world.certificates[owner].der,),
            created=START - 30 * DAY,
            not_before=START - 30 * DAY,
            not_after=START + 365 * DAY,
            picture=PICTURE,
        )
        return make_seal(request, signer=self.world.keys[maker], certificate=self.world.certificates[maker])

    def sealer(self, owner: str = ISSUER, *, stamped: bool = False) -> Sealer:
        def stamp(value: bytes) -> bytes:
            return issue_token(
                sm3(value),
                signer=self.world.keys["tsa-440000"],
                certificate=self.world.certificates["tsa-440000"],
                serial=1 + secrets.randbelow(1 << 60),
                at=self.world.now,
            )

        return Sealer(self.world.keys[owner], self.world.certificates[owner], stamp if stamped else None)

    def written(self, licence: SealedLicence, record: bytes | None = None, **changes: str) -> Package:
        signed = envelope.decode(licence.record, limit=1 << 20)
        fields = read_fields(signed.unprotected, decode_record(signed.payload).digests)
        definition = find_type(licence.identifier.type_code)
        face = FaceContent({**face_values(fields), **changes}, qr_modules(licence.text(HOST)))
        document = LicenceDocument(definition, load_layout(definition), face, record or licence.record)
        return write_licence(document, self.fonts, self.world.now).package

    def file(self, licence: SealedLicence, owner: str = ISSUER, *, stamped: bool = False, **changes: Any) -> bytes:
        package = self.written(licence, **changes)
        sealer = self.sealer(owner, stamped=stamped)
        sealed = seal_file(package, self.seal(owner), sealer, centre=(150, 240), at=self.world.now)
        return write_package(sealed, self.world.now)

    def assess(self, data: bytes, **question: Any) -> FileVerdict:
        kind = kind_of_file(data)
        assert kind is not None
        given: dict[str, Any] = {"at": self.world.now, "now": self.world.now}
        return assess_file(data, kind, self, Question(**(given | question)))


@pytest.fixture
def window(fonts: FontSet) -> Window:
    return Window(World(), fonts)


def found(verdict: FileVerdict) -> dict[str, str]:
    """The checks that did not pass, with why."""
    return {str(one.check): one.error.reason.value for one in verdict.findings if one.error is not None}


def test_a_licence_file_that_stands_is_valid_in_every_check(window: Window) -> None:
    licence = window.world.issue()
    data = window.file(licence, stamped=True)
    window.update()
    verdict = window.assess(data)
    assert (verdict.outcome, verdict.reason, found(verdict)) == (Outcome.VALID, Reason.OK, {})
    assert [str(one.check) for one in verdict.findings] == list(map(str, CHECK_TITLES))
    said = file_verdict_json(verdict)
    assert said["licence"]["identifier"] == licence.identifier.text
    assert said["signatures"][0]["time_stamped"] is True
    assert said["seals"][0]["code"] == CODE
    assert licence.identifier.text in file_verdict_text(verdict)


def test_a_revoked_licence_is_invalid_though_its_file_is_sound(window: Window) -> None:
    licence = window.world.issue()
    data = window.file(licence)
    window.world.decide(licence, StatusEvent(State.REVOKED, START, START))
    window.update()
    verdict = window.assess(data)
    assert verdict.outcome is Outcome.INVALID
    assert found(verdict) == {"LICENCE_STATUS": "revoked"}


def test_without_anything_held_nothing_can_be_told(window: Window) -> None:
    verdict = window.assess(window.file(window.world.issue()))
    assert verdict.outcome is Outcome.UNDETERMINED
    assert set(found(verdict).values()) == {"registry-missing"}


def test_a_sealer_nobody_registered_cannot_be_told(window: Window) -> None:
    data = window.file(window.world.issue(), stamped=True)
    mine, window.world = window.world, World()
    window.update()
    window.world = mine
    verdict = window.assess(data)
    assert verdict.outcome is Outcome.UNDETERMINED
    assert found(verdict)["TRUST_REGISTRY"] == "signer-unregistered"
    assert found(verdict)["SIGNER_CERT_CHAIN"] == "signer-unregistered"
    assert found(verdict)["MAKER_CERT"] == "signer-unregistered"
    assert found(verdict)["LICENCE_ID"] == "issuer-unknown"


def test_a_stale_registry_cannot_tell(window: Window) -> None:
    data = window.file(window.world.issue())
    window.update()
    verdict = window.assess(data, now=START + 30 * DAY)
    assert verdict.outcome is Outcome.UNDETERMINED
    assert found(verdict)["TRUST_REGISTRY"] == "registry-stale"
    assert found(verdict)["SIGNER_CERT_CHAIN"] == "registry-stale"
    assert found(verdict)["MAKER_CERT"] == "registry-stale"


@pytest.mark.parametrize(
    ("state", "since", "expected"),
    [
        (SealState.CANCELLED, START - DAY, "seal-cancelled"),
        (SealState.SUSPENDED, START - DAY, "seal-suspended"),
        (SealState.CANCELLED, START + DAY, None),
    ],
)
def test_a_seal_ended_before_it_was_applied_is_invalid_and_one_ended_later_is_not(
    window: Window, state: SealState, since: datetime, expected: str | None
) -> None:
    data = window.file(window.world.issue())
    window.update((state, since))
    verdict = window.assess(data)
    assert found(verdict).get("TRUST_REGISTRY") == expected
    assert (verdict.outcome is Outcome.VALID) == (expected is None)


def test_a_seal_that_ended_later_is_a_warning_where_no_timestamp_proves_the_time(window: Window) -> None:
    licence = window.world.issue()
    plain, stamped = window.file(licence), window.file(licence, stamped=True)
    window.world.now += 2 * DAY
    window.update((SealState.CANCELLED, START + DAY))
    assert window.assess(plain).overall is Overall.VALID_WITH_WARNING
    assert [one.reason for one in window.assess(plain).warnings] == [Reason.SEALING_TIME_UNPROVED]
    assert window.assess(stamped).overall is Overall.VALID


def test_a_seal_that_nobody_filed_cannot_be_told(window: Window) -> None:
    data = window.file(window.world.issue())
    window.update()
    window.seals = {"440000": replace(window.seals["440000"], entries={})}
    assert found(window.assess(data)) == {"TRUST_REGISTRY": "seal-status-missing"}
    window.seals = {}
    assert found(window.assess(data)) == {"TRUST_REGISTRY": "seal-status-missing"}


def test_a_stale_list_of_seals_is_believed_about_an_end_and_about_nothing_else(window: Window) -> None:
    data = window.file(window.world.issue())
    window.update(fresh=timedelta(0))
    window.world.now += timedelta(seconds=1)
    assert found(window.assess(data)) == {"TRUST_REGISTRY": "status-stale"}
    window.world.now -= timedelta(seconds=1)
    window.update((SealState.CANCELLED, START - DAY), fresh=timedelta(0))
    window.world.now += timedelta(seconds=1)
    assert found(window.assess(data)) == {"TRUST_REGISTRY": "seal-cancelled"}


def test_a_seal_made_by_a_department_is_invalid(window: Window) -> None:
    package = window.written(window.world.issue())
    seal = window.seal(maker=NARROW)
    sealed = seal_file(package, seal, window.sealer(), centre=(150, 240), at=window.world.now)
    window.update()
    verdict = window.assess(write_package(sealed, window.world.now))
    assert verdict.outcome is Outcome.INVALID
    assert found(verdict)["MAKER_CERT"] == "seal-maker-certificate-bad"


def test_another_departments_seal_on_a_licence_is_a_mismatch(window: Window) -> None:
    licence = window.world.issue()
    data = window.file(licence, owner=NARROW)
    window.update()
    verdict = window.assess(data)
    assert verdict.outcome is Outcome.INVALID
    assert found(verdict) == {"LICENCE_ID": "file-licence-mismatch"}


def test_a_page_about_something_else_than_the_record_is_a_mismatch(window: Window) -> None:
    data = window.file(window.world.issue(), certificateHolderName="样例另一有限公司")
    window.update()
    verdict = window.assess(data)
    assert found(verdict) == {"LICENCE_ID": "file-licence-mismatch"}
    detail = next(one.error.detail for one in verdict.findings if one.error is not None)
    assert "CZZT" in detail


def test_a_record_that_is_none_fails_and_one_of_a_face_too(window: Window) -> None:
    licence = window.world.issue()
    for record, reason in ((b"\x00" * 40, "record-malformed"), (licence.face, "file-no-licence")):
        data = window.file(licence, record=record)
        window.update()
        verdict = window.assess(data)
        assert verdict.outcome is Outcome.INVALID
        assert found(verdict) == {"LICENCE_ID": reason}


def test_a_copy_is_valid_until_its_day_and_says_for_whom(window: Window, fonts: FontSet) -> None:
    original = Package.read(window.file(window.world.issue()))
    note = CopyNote("样例银行", "开立账户", (START + DAY).date(), START)
    data = write_package(make_copy(original, note, window.sealer(), fonts), START)
    window.update()
    verdict = window.assess(data)
    assert verdict.outcome is Outcome.VALID
    assert verdict.note == note
    assert [one["verdict"] for one in file_verdict_json(verdict)["signatures"]] == ["VALID", "VALID"]
    assert "样例银行" in file_verdict_text(verdict)
    late = window.assess(data, at=START + 3 * DAY, now=START + 3 * DAY)
    assert found(late)["LICENCE_STATUS"] == "copy-expired"
    assert late.outcome is Outcome.INVALID


def test_a_copy_signed_by_somebody_unregistered_cannot_be_told(window: Window, fonts: FontSet) -> None:
    original = Package.read(window.file(window.world.issue()))
    note = CopyNote("样例银行", "开立账户", (START + DAY).date(), START)
    stranger = World()
    sealer = Sealer(stranger.keys[ISSUER], stranger.certificates[ISSUER])
    data = write_package(make_copy(original, note, sealer, fonts), START)
    window.update()
    verdict = window.assess(data)
    assert verdict.outcome is Outcome.UNDETERMINED
    assert found(verdict)["TRUST_REGISTRY"] == "signer-unregistered"


def test_a_signed_file_without_a_record_cannot_be_told(window: Window) -> None:
    package = window.written(window.world.issue())
    parts = {name: data for name, data in package.parts.items() if not name.startswith("Doc_0/Attachs/")}
    parts["Doc_0/Document.xml"] = parts["Doc_0/Document.xml"].replace(
        b"<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>", b""
    )
    signed = sign_file(Package.of(parts), window.sealer(), at=window.world.now)
    window.update()
    verdict = window.assess(write_package(signed, window.world.now))
    assert verdict.outcome is Outcome.UNDETERMINED
    assert found(verdict) == {"LICENCE_ID": "file-no-licence"}


def test_after_a_theft_only_a_timestamp_keeps_a_file_good(window: Window) -> None:
    licence = window.world.issue()
    plain, stamped = window.file(licence), window.file(licence, stamped=True)
    window.world.now += DAY
    window.world.revoked["440000"].append(
        Revocation(window.world.certificates[ISSUER].serial, window.world.now, CrlReason.KEY_COMPROMISE)
    )
    window.update()
    verdict = window.assess(plain)
    assert verdict.outcome is Outcome.UNDETERMINED
    assert found(verdict)["SIGNER_CERT_STATUS"] == "sealing-key-compromised"
    assert "SIGNER_CERT_STATUS" not in found(window.assess(stamped))


def test_a_seal_alone_is_verified_and_its_state_told(window: Window) -> None:
    seal = window.seal()
    window.update()
    verdict = window.assess(seal.der)
    assert (verdict.kind, verdict.outcome, found(verdict)) == (FileKind.SEAL, Outcome.VALID, {})
    window.update((SealState.SUSPENDED, START))
    assert found(window.assess(seal.der)) == {"TRUST_REGISTRY": "seal-suspended"}
    broken = bytearray(seal.der)
    broken[-1] ^= 1
    assert found(window.assess(bytes(broken)))["SEAL_SIG"] == "seal-maker-signature-bad"


def test_a_sealing_alone_needs_what_it_is_over(window: Window) -> None:
    content = b"<ofd:Signature/>"
    data = apply_seal(
        window.seal(),
        sm3(content),
        "/Doc_0/Signs/Sign_0/Signature.xml",
        signer=window.world.keys[ISSUER],
        certificate=window.world.certificates[ISSUER],
        at=window.world.now,
    ).der
    window.update()
    assert window.assess(data, content=content).outcome is Outcome.VALID
    alone = window.assess(data)
    assert alone.outcome is Outcome.UNDETERMINED
    assert found(alone) == {"DATAHASH": "sealing-data-not-given"}
    other = window.assess(data, content=b"<ofd:Signature></ofd:Signature>")
    assert found(other) == {"DATAHASH": "sealing-data-changed"}


def test_a_bare_signature_needs_its_data_and_its_signers_certificate(window: Window) -> None:
    content = b"<ofd:Signature/>"
    data = window.world.keys[ISSUER].sign(content)
    window.update()
    assert kind_of_file(data) is FileKind.SIGNATURE
    assert found(window.assess(data)) == {"DATAHASH": "sealing-data-not-given"}
    assert found(window.assess(data, content=content)) == {"SIG_VALUE": "file-signer-not-given"}
    known = window.assess(data, content=content, certificates=[window.world.certificates[ISSUER].der])
    assert found(known) == {"SIGNER_CERT_TIME": "sealing-time-unknown"}
    other = window.assess(data, content=b"other", certificates=[window.world.certificates[ISSUER].der])
    assert other.outcome is Outcome.INVALID


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"PK", b"\x30", b"\x30\x82\xff\xff", b"\x30\x00", bytes(64)])
def test_rubbish_gets_a_report_and_is_never_valid(window: Window, data: bytes) -> None:
    window.update()
    verdict = window.assess(data)
    assert verdict.outcome is not Outcome.VALID
    assert verdict.reason is not Reason.OK
    assert file_verdict_json(verdict)["checks"]
    assert file_verdict_text(verdict)


def test_no_byte_of_what_a_file_says_can_be_changed_unnoticed(window: Window) -> None:
    data = window.file(window.world.issue(), stamped=True)
    parts = Package.read(data).parts
    window.update()
    for place in range(2, len(data), len(data) // 400):
        changed = data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :]
        if window.assess(changed).outcome is Outcome.VALID:
            assert Package.read(changed).parts == parts, "only what a zip says of dates may differ"
