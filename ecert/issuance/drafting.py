"""Drafts: both payloads of a licence, built and read back, before anything is signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from ecert.errors import IssuanceError, Reason
from ecert.issuance.fields import printed_name, record_fields, set_page
from ecert.licence.application import check_application
from ecert.licence.face import Face, decode_face, encode_face
from ecert.licence.identifier import MAX_VERSION, Identifier, new_serial
from ecert.licence.record import Record, decode_record, encode_items, encode_record, read_fields, salt_fields
from ecert.licence.validity import Validity
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ecert.issuance.fields import LicenceFiles, LicencePage
    from ecert.licence.application import Application
    from ecert.licence.fields import FieldValue
    from ecert.licence.reference import StatusRef
    from ecert.licence.types import TypeDefinition
    from ecert.trust import RegisteredKey


@dataclass(frozen=True, slots=True)
class Prepared:
    """An application that nothing stands in the way of.

    Attributes:
        application: What the department handed in.
        definition: The definition of its type.
        issuer: The department's key, as the trust registry has it.
        identifier: The licence's identifier.
        sealed_at: When it will be sealed, UTC, whole seconds.
        fields: All fields of its record.
        page: All that its file shows; None: it gets no file.
    """

    application: Application
    definition: TypeDefinition
    issuer: RegisteredKey
    identifier: Identifier
    sealed_at: datetime
    fields: Mapping[str, FieldValue]
    page: LicencePage | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A licence ready to be sealed: both payloads, decoded back and compared.

    Attributes:
        prepared: What it is made of.
        status: Where its status will stand.
        record: Payload of the full record.
        items: The record's unprotected header: every field, disclosed.
        face: Payload of the face record.
    """

    prepared: Prepared
    status: StatusRef
    record: bytes
    items: bytes
    face: bytes


def prepare(
    application: Application,
    definition: TypeDefinition,
    issuer: RegisteredKey,
    *,
    sealed_at: datetime,
    entropy: Callable[[int], bytes],
    files: LicenceFiles | None = None,
    replaces: Identifier | None = None,
) -> Prepared:
    """Look whether a licence can be issued, and set its page: nothing is recorded or signed.

    Args:
        application: What the department handed in.
        definition: The definition of its type.
        issuer: The department's key, as the trust registry has it.
        sealed_at: The instant it is sealed, aware; cut to whole seconds.
        entropy: Returns that many fresh random bytes.
        files: Makes its file; it must fit on its page.
        replaces: The version of the same licence that this one is to take the place of: it has the next number.

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
    identifier = _next(definition, issuer, replaces, entropy)
    fields = record_fields(application, definition, issuer, identifier, sealed_at)
    page = set_page(application, definition, fields, files)
    return Prepared(application, definition, issuer, identifier, sealed_at, fields, page)


def _next(
    definition: TypeDefinition, issuer: RegisteredKey, replaces: Identifier | None, entropy: Callable[[int], bytes]
) -> Identifier:
    if replaces is None:
        return Identifier(definition.code, issuer.member.code, new_serial(entropy), 1)
    if (replaces.type_code, replaces.issuer_code) != (definition.code, issuer.member.code):
        raise IssuanceError(Reason.LEDGER_CONFLICT, "a version is of the type and issuer of the one before it")
    if replaces.version >= MAX_VERSION:
        raise IssuanceError(Reason.LEDGER_CONFLICT, f"a licence has at most {MAX_VERSION} versions")
    return Identifier(replaces.type_code, replaces.issuer_code, replaces.serial, replaces.version + 1)


def draft(prepared: Prepared, status: StatusRef, entropy: Callable[[int], bytes]) -> Draft:
    """Build a licence without sealing it.

    Args:
        prepared: What it is made of.
        status: A status reference never used before.
        entropy: Returns that many fresh random bytes.

    Raises:
        IssuanceError: SELF_CHECK_FAILED; it does not decode back to what was encoded.
    """
    application, definition = prepared.application, prepared.definition
    validity = Validity(application.effective, application.expiring)
    items = salt_fields(prepared.fields, entropy)
    record = Record(
        identifier=prepared.identifier,
        sealed_at=prepared.sealed_at,
        validity=validity,
        status=status,
        type_version=definition.version,
        area_code=application.area_code,
        digests=tuple(items),
    )
    payload = encode_record(record)
    face = Face(
        identifier=prepared.identifier,
        holder_name=printed_name(application, definition),
        sealed_at=prepared.sealed_at,
        validity=validity,
        status=status,
        record_digest=sm3(payload),
    )
    made = Draft(prepared, status, payload, encode_items(items), encode_face(face))
    if (
        decode_record(made.record) != record
        or decode_face(made.face, prepared.issuer.member.code) != face
        or read_fields(made.items, record.digests) != prepared.fields
    ):
        raise IssuanceError(Reason.SELF_CHECK_FAILED, "the licence does not decode back to what was encoded")
    return made
