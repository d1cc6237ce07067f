"""The seven kinds of certificate this project issues, and the purposes a leaf is accepted for.

Our own extended key usages live under 2.25, the arc where a UUID is an object identifier (ITU-T X.667); each
UUID was drawn at random once and never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

EKU_LICENCE_SEALING: Final = "2.25.8160921215553191788642029102493730672"
"""Sealing electronic licences; UUID 0623bc7b-291e-49d3-b9ca-28a967ca0770."""
EKU_SEAL_MAKING: Final = "2.25.38671475551309084099925677910367718333"
"""Making electronic seals; UUID 1d17daf3-5aad-4823-b64a-62b3e510cbbd."""
EKU_STATUS_SIGNING: Final = "2.25.95102002294348069924549890496102416413"
"""Signing status lists; UUID 478bfab9-e45a-47a2-a7a6-e2fd1f9c401d."""
EKU_TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
"""id-kp-timeStamping (RFC 3161, 2.3)."""


class Purpose(StrEnum):
    """What a leaf certificate's key is about to be believed for."""

    LICENCE = "licence"
    SEAL = "seal"
    STATUS = "status"
    TIMESTAMP = "timestamp"


PURPOSE_EKU: Final = {
    Purpose.LICENCE: EKU_LICENCE_SEALING,
    Purpose.SEAL: EKU_SEAL_MAKING,
    Purpose.STATUS: EKU_STATUS_SIGNING,
    Purpose.TIMESTAMP: EKU_TIME_STAMPING,
}
"""The extended key usage that names each purpose."""


@dataclass(frozen=True, slots=True)
class ProfileRules:
    """What a profile puts into a certificate.

    Attributes:
        ca: Whether it is a CA.
        path_length: How many CA certificates may follow it; None for end entities.
        key_usage: keyUsage bits, always critical.
        extended_key_usage: The one extended key usage, or None.
        extended_key_usage_critical: RFC 3161 requires it of time-stamping certificates.
    """

    ca: bool
    path_length: int | None
    key_usage: frozenset[str]
    extended_key_usage: str | None
    extended_key_usage_critical: bool = False


_CA_USAGE: Final = frozenset({"key_cert_sign", "crl_sign"})
_SIGNER_USAGE: Final = frozenset({"digital_signature", "non_repudiation"})


class Profile(Enum):
    """A kind of certificate (RFC 5280, GB/T 20518). Each member's value is its rules."""

    ROOT = ProfileRules(ca=True, path_length=1, key_usage=_CA_USAGE, extended_key_usage=None)
    REGION = ProfileRules(ca=True, path_length=0, key_usage=_CA_USAGE, extended_key_usage=None)
    DEPARTMENT = ProfileRules(
        ca=False, path_length=None, key_usage=_SIGNER_USAGE, extended_key_usage=EKU_LICENCE_SEALING
    )
    SEAL_MAKER = ProfileRules(ca=False, path_length=None, key_usage=_SIGNER_USAGE, extended_key_usage=EKU_SEAL_MAKING)
    STATUS = ProfileRules(ca=False, path_length=None, key_usage=_SIGNER_USAGE, extended_key_usage=EKU_STATUS_SIGNING)
    TSA = ProfileRules(
        ca=False,
        path_length=None,
        key_usage=_SIGNER_USAGE,
        extended_key_usage=EKU_TIME_STAMPING,
        extended_key_usage_critical=True,
    )
    RELYING_PARTY = ProfileRules(ca=False, path_length=None, key_usage=_SIGNER_USAGE, extended_key_usage=None)
