"""Keys, certificates and revocation lists, made in memory; `ecert.x509` reads back and verifies what it made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, Reason
from ecert.sm2 import PrivateKey, PublicKey
from ecert.x509 import Certificate, Name, Profile, Revocation, build_certificate, build_crl
from keys.names import NATIONAL_ROOT, KeyName, Kind
from keys.passphrase import require_strong

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keys.facts import Facts

CRL_LIFETIME: Final = timedelta(days=30)
"""How long after its signing a revocation list is relied on; `sign-crl` renews it."""

VALIDITY_YEARS: Final = {
    Kind.NATIONAL_ROOT: 30,
    Kind.REGION: 15,
    Kind.STATUS: 5,
    Kind.DEPARTMENT: 5,
    Kind.SEAL_MAKER: 5,
    Kind.TSA: 5,
    Kind.RELYING_PARTY: 5,
}
"""How long a certificate is valid; never beyond its issuer's."""

_PROFILES: Final = {
    Kind.NATIONAL_ROOT: Profile.ROOT,
    Kind.REGION: Profile.REGION,
    Kind.STATUS: Profile.STATUS,
    Kind.DEPARTMENT: Profile.DEPARTMENT,
    Kind.SEAL_MAKER: Profile.SEAL_MAKER,
    Kind.TSA: Profile.TSA,
    Kind.RELYING_PARTY: Profile.RELYING_PARTY,
}


@dataclass(frozen=True)
class Authority:
    """A root or a region with its open key: what certifies others and signs a revocation list."""

    name: KeyName
    certificate: Certificate
    key: PrivateKey


def new_key(passphrase: bytes) -> tuple[PrivateKey, bytes]:
    """Draw a key and write its encrypted file, and see that the passphrase opens the file.

    Raises:
        CustodyError: the passphrase is too short, or there is no engine for private keys.
    """
    key = PrivateKey.generate()
    pem = key.to_pem(require_strong(passphrase))
    if PrivateKey.from_pem(pem, passphrase).public_key != key.public_key:
        raise CustodyError(Reason.SELF_CHECK_FAILED, "the new key file does not hold the new key")
    return key, pem


def certify_root(name: str, key: PrivateKey, at: datetime) -> Certificate:
    """Make the national root's certificate, which its own key signs.

    Raises:
        MalformedError: the name cannot stand in a certificate.
    """
    return _certificate(NATIONAL_ROOT, Name(name), key.public_key, signer=key, issuer=None, at=at)


def certify(name: KeyName, facts: Facts, public_key: PublicKey, authority: Authority, at: datetime) -> Certificate:
    """Make a certificate valid from `at`, signed by `authority` and never valid beyond it.

    The subject's code stands before its name in O, as in government certificates (domain.md 2.1).
    """
    common_name = f"{facts.name}状态名录" if name.kind is Kind.STATUS else facts.name
    subject = Name(common_name, organization=f"{name.code}{facts.name}")
    return _certificate(name, subject, public_key, signer=authority.key, issuer=authority.certificate, at=at)


def _certificate(
    name: KeyName, subject: Name, public_key: PublicKey, *, signer: PrivateKey, issuer: Certificate | None, at: datetime
) -> Certificate:
    not_after = _years_after(at, VALIDITY_YEARS[name.kind])
    return build_certificate(
        profile=_PROFILES[name.kind],
        subject=subject,
        public_key=public_key,
        serial=int.from_bytes(secrets.token_bytes(16), "big") >> 1 or 1,
        not_before=at,
        not_after=not_after if issuer is None else min(not_after, issuer.not_after),
        signer=signer,
        issuer=issuer,
    )


def sign_list(authority: Authority, *, number: int, revoked: Iterable[Revocation], at: datetime) -> bytes:
    """Sign a revocation list that is relied on for `CRL_LIFETIME` from `at`; returns PEM."""
    return build_crl(
        issuer=authority.certificate,
        signer=authority.key,
        number=number,
        this_update=at,
        next_update=at + CRL_LIFETIME,
        revoked=revoked,
    ).to_pem()


def _years_after(at: datetime, years: int) -> datetime:
    """Return the same day that many years later, 28 February for a 29th that does not exist."""
    try:
        return at.replace(year=at.year + years)
    except ValueError:
        return at.replace(year=at.year + years, day=28)
