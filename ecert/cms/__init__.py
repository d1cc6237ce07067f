"""Signed data: GB/T 35275 (GM CMS) and RFC 5652, with SM2 and SM3 only.

One structure, two vocabularies: GB/T 35275 names its content types under 1.2.156.10197.6.1.4.2, RFC 5652 under
1.2.840.113549.1.7; files in use mix them (domain.md 2.4), and so both are read anywhere.
"""

from ecert.cms.signing import SM3_ALGORITHM, attribute, sign, signing_time
from ecert.cms.structure import (
    DATA,
    GM_DATA,
    GM_SIGNED_DATA,
    LIMIT,
    SIGNED_DATA,
    SignedData,
    SignerInfo,
    is_signed_data,
)
from ecert.cms.verification import VerifiedSigner, verify

__all__ = [
    "DATA",
    "GM_DATA",
    "GM_SIGNED_DATA",
    "LIMIT",
    "SIGNED_DATA",
    "SM3_ALGORITHM",
    "SignedData",
    "SignerInfo",
    "VerifiedSigner",
    "attribute",
    "is_signed_data",
    "sign",
    "signing_time",
    "verify",
]
