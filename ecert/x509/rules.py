"""The rules for one complete chain, anchor to leaf (RFC 5280, 6.1), apart from signatures and revocation.

The anchor is a pinned certificate, and what it says about itself binds: its validity, its constraints, its key
usage. A root that has expired vouches for nothing here, whatever signed it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecert.errors import Reason, RejectedError
from ecert.x509.constraints import names_of
from ecert.x509.extensions import EXTENDED_KEY_USAGE, POLICY_RULES, PROCESSED
from ecert.x509.profiles import PURPOSE_EKU, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ecert.x509.certificate import Certificate
    from ecert.x509.constraints import NameConstraints

MAX_CERTIFICATES = 8
"""The longest chain considered, leaf and anchor counted."""

_V3 = 3


def check_chain(chain: Sequence[Certificate], at: datetime, purpose: Purpose | None) -> None:
    """Check a chain, leaf first and anchor last, whose links are already known to fit by name and signature.

    Numbered as they are applied to each certificate, from the anchor down:

    1. it is valid at `at`;
    2. it has no critical extension that is not processed, and sets no policy rules;
    3. its names lie within the constraints of every certificate above it, self-issued CAs excepted;
    4. above the leaf: it is a CA, may sign certificates, and the path length above it allows it;
    5. the leaf: its key is an SM2 key, and may be used for `purpose`, if one is named.

    Raises:
        RejectedError: with the reason of the first rule broken.
    """
    leaf, *issuers = chain
    constraints: list[NameConstraints] = []
    room = MAX_CERTIFICATES
    for certificate in reversed(issuers):
        _check_each(certificate, at)
        is_anchor = certificate is issuers[-1]
        if not is_anchor and not certificate.self_issued:
            _check_names(certificate, constraints)
            room -= 1
        _check_ca(certificate, room)
        if certificate.meaning.path_length is not None:
            room = min(room, certificate.meaning.path_length)
        if certificate.meaning.name_constraints is not None:
            certificate.meaning.name_constraints.require_implemented()
            constraints.append(certificate.meaning.name_constraints)
    _check_each(leaf, at)
    _check_names(leaf, constraints)
    _check_leaf(leaf, purpose)


def _refuse(certificate: Certificate, reason: Reason, what: str) -> RejectedError:
    return RejectedError(reason, f"the certificate of {certificate.subject_text} {what}")


def _check_each(certificate: Certificate, at: datetime) -> None:
    if at < certificate.not_before:
        raise _refuse(certificate, Reason.CERTIFICATE_NOT_YET_VALID, f"is valid from {certificate.not_before} only")
    if at > certificate.not_after:
        raise _refuse(certificate, Reason.CERTIFICATE_EXPIRED, f"was valid until {certificate.not_after} only")
    for extension in certificate.extensions:
        if extension.oid in POLICY_RULES:
            raise _refuse(certificate, Reason.CERTIFICATE_POLICY, f"sets policy rules ({extension.oid})")
        if extension.critical and extension.oid not in PROCESSED:
            raise _refuse(
                certificate, Reason.CERTIFICATE_CRITICAL_EXTENSION, f"has a critical extension {extension.oid}"
            )


def _check_names(certificate: Certificate, constraints: list[NameConstraints]) -> None:
    if constraints:
        names = names_of(certificate.subject, certificate.meaning.alternative_names)
        for one in constraints:
            one.require_within(names)


def _check_ca(certificate: Certificate, room: int) -> None:
    if certificate.version != _V3 or not certificate.meaning.ca:
        raise _refuse(certificate, Reason.CERTIFICATE_NOT_CA, "is not a CA's")
    if not certificate.allows("key_cert_sign"):
        raise _refuse(certificate, Reason.CERTIFICATE_KEY_USAGE, "does not allow it to sign certificates")
    if room < 0:
        raise _refuse(
            certificate, Reason.CERTIFICATE_PATH_LENGTH, "stands further down than a path length above allows"
        )


def _check_leaf(leaf: Certificate, purpose: Purpose | None) -> None:
    if leaf.public_key is None:
        raise _refuse(leaf, Reason.CERTIFICATE_ALGORITHM, "does not hold an SM2 key")
    if purpose is None:
        return
    if not (leaf.allows("digital_signature") or leaf.allows("non_repudiation")):
        raise _refuse(leaf, Reason.CERTIFICATE_KEY_USAGE, "does not allow it to sign")
    # RFC 5280, 4.2.1.12: an application may require the purpose itself; "any" is not enough here.
    usages = leaf.meaning.extended_key_usage
    if usages is not None and PURPOSE_EKU[purpose] not in usages:
        raise _refuse(leaf, Reason.CERTIFICATE_PURPOSE, f"is for other purposes than {purpose.value}")
    if purpose is Purpose.TIMESTAMP:
        _check_time_stamping(leaf)


def _check_time_stamping(leaf: Certificate) -> None:
    """RFC 3161, 2.3: the extension is there, critical, and names nothing else."""
    extension = leaf.extension(EXTENDED_KEY_USAGE)
    if (
        extension is None
        or not extension.critical
        or leaf.meaning.extended_key_usage != (PURPOSE_EKU[Purpose.TIMESTAMP],)
    ):
        raise _refuse(leaf, Reason.CERTIFICATE_PURPOSE, "is not for time-stamping alone, as RFC 3161 requires")
