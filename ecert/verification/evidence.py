"""What shows that a licence existed at some time, other than its own seal: asked for after its issuer's key was stolen.

Either a proof that it stands in what its region had issued (`ecert.revocation.issued`), or a time stamp of a
registered time-stamping authority over the seal's 64-byte signature value (RFC 3161, GM/T 0033).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.licence.face import Face
from ecert.revocation import existed_by
from ecert.sm2 import sm3
from ecert.timestamp import verify_token
from ecert.verification.bodies import RegisteredBodies

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.envelope import Envelope
    from ecert.licence.record import Record
    from ecert.trust import Registry

_DER_SEQUENCE: Final = b"\x30"
"""How a time stamp begins, and no proof of the issued set does."""


def existed_at(
    evidence: bytes, sealed: Envelope, content: Face | Record, registry: Registry, now: datetime
) -> datetime:
    """Return a time at which the licence existed already.

    Args:
        evidence: Hostile bytes.
        sealed: The licence as it was sealed; its seal was verified.
        content: What it says.
        registry: Who may vouch for it.
        now: The clock.

    Raises:
        MalformedError: it is neither a proof nor a time stamp.
        RejectedError: it is another licence's, or whoever made it may not vouch for this one.
        UndeterminedError: evidence about who made it is missing.
    """
    if evidence.startswith(_DER_SEQUENCE):
        return verify_token(evidence, sealed.signature, validate=RegisteredBodies(registry, now)).time
    digest = sm3(sealed.payload)
    face = isinstance(content, Face)
    return existed_by(
        evidence,
        registry,
        key_id=sealed.key_id,
        record_digest=content.record_digest if isinstance(content, Face) else digest,
        face_digest=digest if face else None,
    )
