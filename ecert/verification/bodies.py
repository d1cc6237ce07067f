"""The bodies of a trust registry, asked about their certificates: who sealed, made a seal, set a time stamp.

A registry older than what it is asked may lack what a newer one has: then it cannot tell, and says so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ecert.errors import Reason, RejectedError, UndeterminedError
from ecert.trust import Role
from ecert.trust.members import PURPOSES
from ecert.x509 import Certificate, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.trust import RegisteredKey, Registry
    from ecert.x509 import ValidatedPath

_RENEWABLE: Final = {
    Reason.CERTIFICATE_EXPIRED,
    Reason.CERTIFICATE_NOT_YET_VALID,
    Reason.CERTIFICATE_NO_PATH,
}
"""Why a certificate did not stand that a newer one, in a newer registry, would mend."""

_read_certificate = lru_cache(maxsize=128)(Certificate.from_der)
"""Reads a certificate; the same few bodies come again and again."""


def may_lag(registry: Registry, key: RegisteredKey, at: datetime, now: datetime) -> bool:
    """Tell whether a newer registry could say otherwise about `at`: it went stale, or was issued before that."""
    return now > registry.fresh_until_of(key) or at > registry.issued_at


def standing(
    registry: Registry, key: RegisteredKey, at: datetime, now: datetime, certificate: Certificate | None = None
) -> ValidatedPath:
    """Return the path of a key's certificate, valid at `at`; see `Registry.standing`.

    Raises:
        RejectedError: no valid path, or one that was not valid, or revoked, at `at`.
        UndeterminedError: evidence is missing; or REGISTRY_STALE: a newer registry could say otherwise.
    """
    try:
        return registry.standing(key, at, certificate)
    except RejectedError as error:
        if error.reason in _RENEWABLE and may_lag(registry, key, at, now):
            detail = f"by a registry older than what it is asked, {error.detail}"
            raise UndeterminedError(Reason.REGISTRY_STALE, detail) from error
        raise


class RegisteredBodies:
    """A `PathValidator` that believes a certificate if the registry has it, for a body of the right role."""

    def __init__(self, registry: Registry | None, now: datetime) -> None:
        """Ask `registry`, if any is held, at the clock's `now`."""
        self._registry = registry
        self._now = now

    def __call__(self, certificate: bytes, /, *, at: datetime, purpose: Purpose) -> ValidatedPath:
        """See `PathValidator`."""
        key, registered = self.find(certificate)
        if self._registry is None:
            raise UndeterminedError(Reason.REGISTRY_MISSING, "no trust registry is held")
        if PURPOSES[key.member.role] is not purpose:
            raise RejectedError(Reason.CERTIFICATE_PURPOSE, f"{key.member.code} is a {key.member.role.value}")
        if key.member.role is Role.TSA and self._registry.compromised_at(key) is not None:
            raise UndeterminedError(
                Reason.TIMESTAMP_KEY_COMPROMISED, "the time-stamping key was stolen itself: its times prove nothing"
            )
        path = standing(self._registry, key, at, self._now, registered)
        fresh_until = self._registry.fresh_until_of(key)
        if self._now > fresh_until:
            raise UndeterminedError(
                Reason.REGISTRY_STALE, f"what is held of {key.region.code} was fresh until {fresh_until:%F %T}Z"
            )
        return path

    def find(self, certificate: bytes) -> tuple[RegisteredKey, Certificate]:
        """Return the registered key and certificate that a certificate in DER is.

        Raises:
            MalformedError: it cannot be read.
            UndeterminedError: no registry is held, or that held has no such certificate.
        """
        if self._registry is None:
            raise UndeterminedError(Reason.REGISTRY_MISSING, "no trust registry is held")
        read = _read_certificate(certificate)
        key = self._registry.find(read.public_key.key_id) if read.public_key else None
        if key is None or all(read.der != one.der for one in key.certificates):
            raise UndeterminedError(Reason.SIGNER_UNREGISTERED, "the trust registry does not have this certificate")
        return key, read
