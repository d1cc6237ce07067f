"""X.509 for SM2 (RFC 5280, GB/T 20518): certificates, requests and revocation lists made and read, paths validated."""

from ecert.x509.build import build_certificate, build_crl, build_request
from ecert.x509.certificate import Certificate
from ecert.x509.crl import RevocationList
from ecert.x509.entries import CrlReason, Revocation
from ecert.x509.names import Name
from ecert.x509.path import PathValidator, ValidatedPath, validate_path
from ecert.x509.profiles import Profile, Purpose
from ecert.x509.request import CertificateRequest

__all__ = [
    "Certificate",
    "CertificateRequest",
    "CrlReason",
    "Name",
    "PathValidator",
    "Profile",
    "Purpose",
    "Revocation",
    "RevocationList",
    "ValidatedPath",
    "build_certificate",
    "build_crl",
    "build_request",
    "validate_path",
]
