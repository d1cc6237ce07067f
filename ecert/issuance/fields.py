"""What a licence says, by the names of GB/T 36903, and whether its page can hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.licence.codes import HOLDER_CODE_TYPES
from ecert.licence.identifier import SERIAL_LENGTH, Identifier
from ecert.licence.masking import mask_name
from ecert.licence.validity import china_day

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ecert.licence.application import Application
    from ecert.licence.fields import FieldValue
    from ecert.licence.types import TypeDefinition
    from ecert.trust import RegisteredKey

EXTENSION: Final = "extendInfo."
"""What a type-specific field's name is prefixed with among a record's fields."""
ASSOCIATED: Final = "associatedCertificateIdentifiers"
"""The field that names the licences a licence depends on, their identifiers joined by `^`."""
_ANY_SERIAL: Final = "0" * SERIAL_LENGTH
"""Stands for a licence's serial where there is none yet."""


class LicencePage(Protocol):
    """A licence set on its page, see `ecert.licence_file.SetPage`."""

    def make(self, record: bytes, text: Callable[[str], str], at: datetime) -> bytes:
        """Make the licence's file.

        Args:
            record: The licence's record, sealed.
            text: Returns the text of its QR code for a portal's host.
            at: When it is sealed, aware.

        Raises:
            EcertError: it cannot be made or sealed.
        """


class LicenceFiles(Protocol):
    """Makes the files of licences, see `ecert.licence_file.FileMaker`."""

    def set_page(
        self, definition: TypeDefinition, fields: Mapping[str, FieldValue], portrait: bytes | None
    ) -> LicencePage:
        """Set a licence on its page.

        Raises:
            IssuanceError: it does not fit.
        """


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
    set_page(application, definition, record_fields(application, definition, issuer, identifier, at), files)


def set_page(
    application: Application,
    definition: TypeDefinition,
    fields: Mapping[str, FieldValue],
    files: LicenceFiles | None,
) -> LicencePage | None:
    """Set a licence of these fields on its page; None where it gets no file.

    Raises:
        IssuanceError: it does not fit, or has a portrait and no page.
    """
    if files is not None:
        return files.set_page(definition, fields, application.portrait)
    if application.portrait is not None:
        problem = FieldProblem("/portrait", "no portrait: no file is made that could show it", "无照片：不制作文件")
        raise IssuanceError(Reason.APPLICATION_INVALID, "a portrait needs a file to stand in", (problem,))
    return None


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
