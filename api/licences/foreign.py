"""Licences of other ledgers, handed in as evidence: sealed by a key of the registry, whatever they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecert import envelope
from ecert.errors import MalformedError, NotFoundError, Reason
from ecert.licence.face import decode_face
from ecert.licence.record import MAX_RECORD, decode_record
from ecert.ports import Parent
from ecert.qr import decode_text

if TYPE_CHECKING:
    from ecert.trust import Registry


def read_foreign(licence: bytes | str, registry: Registry) -> Parent:
    """Read a licence's record, or the text of its code, sealed by a registered key; in force or not is not asked.

    Raises:
        EcertError: it is none, or not sealed by a registered key that was in standing.
    """
    data = decode_text(licence) if isinstance(licence, str) else licence
    signed = envelope.decode(data, limit=MAX_RECORD)
    key = registry.find(signed.key_id)
    if key is None:
        raise NotFoundError(Reason.ISSUER_UNKNOWN, "the licence was sealed by a key that is not in the registry")
    signed.verify(key.public_key)
    if signed.kind is envelope.Kind.RECORD:
        record = decode_record(signed.payload)
        registry.standing(key, record.sealed_at)
        return Parent(record.identifier, signed.key_id, record.status)
    if signed.kind is envelope.Kind.FACE:
        face = decode_face(signed.payload, key.member.code)
        registry.standing(key, face.sealed_at)
        return Parent(face.identifier, signed.key_id, face.status)
    raise MalformedError(Reason.RECORD_MALFORMED, "this is another signed object, not a licence")
