"""Electronic seals (GM/T 0031, GB/T 38540): seals and sealings read, made, and verified in numbered steps."""

from ecert.seal.checks import Check, Finding, Findings, Outcome
from ecert.seal.making import SealRequest, apply_seal, make_seal
from ecert.seal.seal import CertificateDigest, Seal, SealInfo, SealPicture, SealVersion
from ecert.seal.sealing import Sealing, ValueKind, kind_of_value
from ecert.seal.verification import SealingReport, assess_seal, assess_sealing

__all__ = [
    "CertificateDigest",
    "Check",
    "Finding",
    "Findings",
    "Outcome",
    "Seal",
    "SealInfo",
    "SealPicture",
    "SealRequest",
    "SealVersion",
    "Sealing",
    "SealingReport",
    "ValueKind",
    "apply_seal",
    "assess_seal",
    "assess_sealing",
    "kind_of_value",
    "make_seal",
]
