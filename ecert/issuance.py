"""From an application to a sealed licence.

draft: does the application fit its type, and its page? build both records, encode, decode back, compare
-> ledger.intend(what will be signed), before the key is touched
-> sign both records, each verified with the public key before it leaves
-> make the licence's file, where one is asked for: page, seal, the record in it
-> ledger.complete(the sealed bytes, all of them at once)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from ecert import envelope
from ecert.errors import FieldProblem, IssuanceError, NotFoundError, Reason
from ecert.licence.application import PARENTS, Application, check_application
from ecert.licence.codes import HOLDER_CODE_TYPES
from ecert.licence.face import Face, decode_face, encode_face
from ecert.licence.identifier import SERIAL_LENGTH, Identifier, new_serial
from ecert.licence.masking import mask_name
from ecert.licence.record import (
    Record,
    decode_record,
    encode_items,
    encode_record,
    read_fields,
    salt_fields,
)
from ecert.licence.strict_json import pointer
from ecert.licence.validity import Validity, china_day
from ecert.ports import Intent, Parent
from ecert.qr import encode_text
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ecert.licence.fields import FieldValue
    from ecert.licence.reference import StatusRef
    from ecert.licence.types import TypeDefinition
    from ecert.ports import LicenceLedger
    from ecert.sm2 import Signer
    from ecert.trust import RegisteredKey

EXTENSION: Final = "extendInfo."
"""What a type-specific field's name is prefixed with among a record's fields."""
ASSOCIATED: Final = "associatedCertificateIdentifiers"
"""The field that names the licences a licence depends on, their identifiers joined by `^`."""
_ANY_SERIAL: Final = "0" * SERIAL_LENGTH
"""Stands for a licence's serial where there is none yet."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A licence ready to be sealed: both payloads, decoded back and compared.

    Attributes:
        identifier: Its new identifier.
        key_id: The key that is to seal it, 8 bytes.
        status: Where its status will stand.
        record: Payload of the full record.
        items: The record's unprotected header: every field, disclosed.
        face: Payload of the face record.
        sealed_at: The instant both records name.
        fields: All fields of the record.
    """

    identifier: Identifier
    key_id: bytes
    status: StatusRef
    record: bytes
    items: bytes
    face: bytes
    sealed_at: datetime
    fields: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True)
class SealedLicence:
    """An issued licence: the sealed record, the sealed face, and the sealed OFD file if it has one, all as bytes."""

    identifier: Identifier
    record: bytes
    face: bytes
    file: bytes | None = None

    def text(self, portal_host: str) -> str:
        """Return the text of the licence's QR code."""
        return encode_text(self.face, portal_host)


class LicenceFiles(Protocol):
    """Makes the files of licences, see `ecert.licence_file.FileMaker`."""

    def require_fit(self, definition: TypeDefinition, fields: Mapping[str, FieldValue], portrait: bytes | None) -> None:
        """Require that a licence can be set on its page.

        Raises:
            IssuanceError: it cannot.
        """

    def make(
        self,
        definition: TypeDefinition,
        fields: Mapping[str, FieldValue],
        portrait: bytes | None,
        *,
        record: bytes,
        text: Callable[[str], str],
        at: datetime,
    ) -> bytes:
        """Make a licence's file.

        Raises:
            EcertError: it cannot be made or sealed.
        """


def draft(
    application: Application,
    definition: TypeDefinition,
    issuer: RegisteredKey,
    *,
    allocate: Callable[[], StatusRef],
    sealed_at: datetime,
    entropy: Callable[[int], bytes],
    files: LicenceFiles | None = None,
) -> Draft:
    """Build a new licence without sealing it.

    Args:
        application: What the department handed in.
        definition: The definition of its type.
        issuer: The department's key, as the trust registry has it.
        allocate: Returns a status reference never used before; called once nothing is wrong.
        sealed_at: The instant it is sealed, aware; cut to whole seconds.
        entropy: Returns that many fresh random bytes.
        files: Makes its file; it must fit on its page.

    Raises:
        IssuanceError: the application does not fit its type or its page, or the issuer may not issue it.
    """
    problems = check_application(application, definition)
    if problems:
        raise IssuanceError(Reason.APPLICATION_INVALID, f"{len(problems)} problem(s) in the application", problems)
    sealed_at = sealed_at.astimezone(UTC).replace(microsecond=0)
    unentitled = issuer.entitlement_problem(definition.code, application.area_code, at=sealed_at)
    if unentitled:
        raise IssuanceError(Reason.ISSUER_NOT_ENTITLED, unentitled)
    identifier = Identifier(definition.code, issuer.member.code, new_serial(entropy), 1)
    validity = Validity(application.effective, application.expiring)
    fields = record_fields(application, definition, issuer, identifier, sealed_at)
    _require_fit(application, definition, fields, files)
    status = allocate()
    items = salt_fields(fields, entropy)
    record = Record(
        identifier=identifier,
        sealed_at=sealed_at,
        validity=validity,
        status=status,
        type_version=definition.version,
        area_code=application.area_code,
        digests=tuple(items),
    )
    payload = encode_record(record)
    face = Face(
        identifier=identifier,
        holder_name=printed_name(application, definition),
        sealed_at=sealed_at,
        validity=validity,
        status=status,
        record_digest=sm3(payload),
    )
    made = Draft(
        identifier=identifier,
        key_id=issuer.public_key.key_id,
        status=status,
        record=payload,
        items=encode_items(items),
        face=encode_face(face),
        sealed_at=sealed_at,
        fields=fields,
    )
    if (
        decode_record(made.record) != record
        or decode_face(made.face, issuer.member.code) != face
        or read_fields(made.items, record.digests) != fields
    ):
        raise IssuanceError(Reason.SELF_CHECK_FAILED, "the licence does not decode back to what was encoded")
    return made


def require_page(
    application: Application,
    definition: TypeDefinition,
    issuer: RegisteredKey,
    files: LicenceFiles | None,
    *,
    at: datetime,
) -> None:
    """Require that a licence can be set on its page, before there is one: so a whole batch is checked before any.

    Args:
        application: What the department handed in.
        definition: The definition of its type.
        issuer: The department's key, as the trust registry has it.
        files: Makes its file; None: it gets none, and a portrait would be lost.
        at: The day it would be sealed, aware.

    Raises:
        IssuanceError: it cannot.
    """
    identifier = Identifier(definition.code, issuer.member.code, _ANY_SERIAL, 1)
    _require_fit(application, definition, record_fields(application, definition, issuer, identifier, at), files)


def _require_fit(
    application: Application,
    definition: TypeDefinition,
    fields: Mapping[str, FieldValue],
    files: LicenceFiles | None,
) -> None:
    if files is not None:
        files.require_fit(definition, fields, application.portrait)
    elif application.portrait is not None:
        problem = FieldProblem("/portrait", "no portrait: no file is made that could show it", "无照片：不制作文件")
        raise IssuanceError(Reason.APPLICATION_INVALID, "a portrait needs a file to stand in", (problem,))


def printed_name(application: Application, definition: TypeDefinition) -> str:
    """Return the holder's name as the printed code carries it: a natural person's is masked where the type says so."""
    masked = definition.masks_name(application.holder_code_type)
    return mask_name(application.holder_name) if masked else application.holder_name


def record_fields(
    application: Application,
    definition: TypeDefinition,
    issuer: RegisteredKey,
    identifier: Identifier,
    sealed_at: datetime,
) -> dict[str, FieldValue]:
    """Return all fields of a licence by their GB/T 36903 English names, type-specific ones prefixed."""
    expiring = application.expiring
    fields: dict[str, FieldValue] = {
        "certificateName": definition.name,
        "certificateTypeName": definition.name,
        "certificateTypeCode": definition.code,
        "certificateNumber": application.number,
        "certificateIdentifier": identifier.text,
        "certificateIssuingAuthorityName": issuer.member.name,
        "certificateIssuingAuthorityCode": issuer.member.code,
        "certificateIssuedDate": china_day(sealed_at).isoformat(),
        "certificateHolderName": application.holder_name,
        "certificateHolderCode": application.holder_code,
        "certificateHolderTypeCode": application.holder_code_type,
        "certificateHolderTypeName": HOLDER_CODE_TYPES[application.holder_code_type].name,
        "certificateEffectiveDate": application.effective.isoformat(),
        "certificateExpiringDate": "长期" if expiring is None else expiring.isoformat(),
        "certificateAreaCode": application.area_code,
    }
    if application.parents:
        fields[ASSOCIATED] = "^".join(parent.text for parent in application.parents)
    fields.update({EXTENSION + name: value for name, value in application.fields.items()})
    return fields


def issue(
    application: Application,
    definition: TypeDefinition,
    issuer: RegisteredKey,
    *,
    signer: Signer,
    ledger: LicenceLedger,
    now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    foreign: Mapping[Identifier, Parent] = MappingProxyType({}),
    files: LicenceFiles | None = None,
) -> SealedLicence:
    """Issue one licence: draft, intend, seal and check, make its file, complete.

    Args:
        application: What the department handed in.
        definition: The definition of its type.
        issuer: The department's key, as the trust registry has it.
        signer: The same key.
        ledger: Where it is recorded.
        now: The clock.
        entropy: Returns that many fresh random bytes.
        foreign: Licences of other ledgers that the application may depend on, each verified.
        files: Makes its file; None: it gets none.

    Raises:
        IssuanceError: the application, the issuer, the page or the ledger refuses.
        RejectedError: the issuer's seal may not be used.
        CustodyError: the key failed; the intent stays open in the ledger and is harmless.
    """
    key_id = signer.public_key.key_id
    if key_id != issuer.public_key.key_id:
        raise IssuanceError(Reason.KEY_MISMATCH, "the signing key is not the registered key of this issuer")
    parents = find_parents(application, ledger, foreign)
    made = draft(
        application,
        definition,
        issuer,
        allocate=lambda: ledger.allocate(key_id),
        sealed_at=now(),
        entropy=entropy,
        files=files,
    )
    ledger.intend(
        Intent(
            identifier=made.identifier,
            key_id=key_id,
            status=made.status,
            record_tbs=envelope.to_be_signed(envelope.Kind.RECORD, key_id, made.record),
            face_tbs=envelope.to_be_signed(envelope.Kind.FACE, key_id, made.face),
            at=made.sealed_at,
            parents=parents,
        )
    )
    record = envelope.seal(envelope.Kind.RECORD, made.record, signer, unprotected=made.items).encode()
    face = envelope.seal(envelope.Kind.FACE, made.face, signer).encode()
    licence = SealedLicence(made.identifier, record, face)
    if files is not None:
        file = files.make(
            definition, made.fields, application.portrait, record=record, text=licence.text, at=made.sealed_at
        )
        licence = replace(licence, file=file)
    ledger.complete(made.identifier, record=record, face=face, file=licence.file, at=now())
    return licence


def find_parents(
    application: Application, ledger: LicenceLedger, foreign: Mapping[Identifier, Parent]
) -> tuple[Parent, ...]:
    """Return the licences that an application depends on, and where their status stands.

    Raises:
        IssuanceError: APPLICATION_INVALID; one is neither issued here nor among `foreign`.
    """
    parents, problems = [], []
    for number, identifier in enumerate(application.parents):
        parent = foreign.get(identifier) or _issued_here(identifier, ledger)
        if parent is None:
            at = pointer(PARENTS, str(number))
            problems.append(FieldProblem(at, "a licence issued here, or one handed in", "本台账签发或一并交来的证照"))
        else:
            parents.append(parent)
    if problems:
        raise IssuanceError(Reason.APPLICATION_INVALID, "it depends on licences that are not known", tuple(problems))
    return tuple(parents)


def _issued_here(identifier: Identifier, ledger: LicenceLedger) -> Parent | None:
    try:
        known = ledger.issued(identifier)
    except NotFoundError:
        return None
    return Parent(identifier, known.key_id, known.status)
