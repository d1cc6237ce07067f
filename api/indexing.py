"""What a licence is found by in the ledger: what its sealed record says."""

from __future__ import annotations

import secrets
from datetime import date
from typing import TYPE_CHECKING, Any

from api.at_rest import SUMMARY, Summary
from ecert import envelope
from ecert.licence.record import MAX_RECORD, decode_record, read_fields
from ecert.ports import Contents
from ecert.revocation import State
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from api.at_rest import AtRest, Lock
    from ecert.licence.identifier import Identifier
    from ecert.ports import Completion


def series(identifier: Identifier) -> str:
    """Return what all versions of a licence have in common."""
    return f"{identifier.type_code}.{identifier.issuer_code}.{identifier.serial}"


def _read(done: Completion) -> Contents:
    signed, face = (envelope.decode(data, limit=MAX_RECORD) for data in (done.record, done.face))
    record = decode_record(signed.payload)
    fields = read_fields(signed.unprotected, record.digests)
    return Contents(signed.payload, face.payload, record.sealed_at, record.area_code, fields)


def index_row(done: Completion, lock: Lock, at_rest: AtRest) -> dict[str, Any]:
    """Return the row of a licence in `licences`, but for who issued it.

    Raises:
        EcertError: the record is none.
    """
    contents = done.contents or _read(done)
    fields = contents.fields
    number, expiring = str(fields["certificateNumber"]), str(fields["certificateExpiringDate"])
    holder = Summary(number, str(fields["certificateHolderName"]), str(fields["certificateHolderTypeCode"]))
    return {
        "identifier": done.identifier.text,
        "key": secrets.token_urlsafe(16),
        "series": series(done.identifier),
        "version": done.identifier.version,
        "type_code": done.identifier.type_code,
        "department": done.identifier.issuer_code,
        "area_code": contents.area_code,
        "record_digest": sm3(contents.record),
        "face_digest": sm3(contents.face),
        "number_index": at_rest.number_index(number),
        "holder_index": at_rest.holder_index(str(fields["certificateHolderCode"])),
        "summary": lock.seal(SUMMARY, holder.encode()),
        "effective": date.fromisoformat(str(fields["certificateEffectiveDate"])),
        "expiring": date.fromisoformat(expiring) if expiring[0].isdigit() else None,
        "issued_at": contents.sealed_at,
        "state": State.VALID.value,
        "since": contents.sealed_at,
        "until": None,
        "paper_serial": "",
    }
