"""Sealed records as a ledger gets them, cheap to make: whole but for their signature, which no ledger looks at."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ecert.envelope import Envelope, Kind
from ecert.licence.face import Face, encode_face
from ecert.licence.record import Record, encode_items, encode_record, salt_fields
from ecert.licence.reference import StatusRef
from ecert.licence.validity import Validity
from ecert.sm2 import sm3
from tests.world import START

if TYPE_CHECKING:
    from ecert.licence.identifier import Identifier

KEY = b"k" * 8
_SIGNATURE = (b"\x00" * 31 + b"\x01") * 2
_VALIDITY = Validity(date(2026, 1, 1), date(2030, 12, 31))


def record_of(identifier: Identifier, number: str = "样例字1号", holder: str = "91440101MA5DEMO10X") -> bytes:
    fields = {
        "certificateNumber": number,
        "certificateHolderName": "样例持证人",
        "certificateHolderCode": holder,
        "certificateHolderTypeCode": "001",
        "certificateEffectiveDate": "2026-01-01",
        "certificateExpiringDate": "2030-12-31",
    }
    items = salt_fields(fields, lambda length: b"s" * length)
    record = Record(identifier, START, _VALIDITY, StatusRef(0, 1), 1, "440100", tuple(items))
    return Envelope(Kind.RECORD, KEY, encode_record(record), _SIGNATURE, encode_items(items)).encode()


def face_of(identifier: Identifier) -> bytes:
    face = Face(identifier, "样例持证人", START, _VALIDITY, StatusRef(0, 1), sm3(identifier.text.encode()))
    return Envelope(Kind.FACE, KEY, encode_face(face), _SIGNATURE).encode()
