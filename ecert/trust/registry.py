"""The registry as a value: asked by key id, never fetching anything. `ecert.trust.metadata` loads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason, RejectedError, VerificationError
from ecert.trust.members import PURPOSES, Role
from ecert.x509 import Certificate, CrlReason, RevocationList, ValidatedPath, validate_path

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from ecert.errors import EcertError
    from ecert.trust.members import Region, RegisteredKey
    from ecert.trust.policy import Budget, Policy

_COMPROMISE: Final = {CrlReason.KEY_COMPROMISE, CrlReason.CA_COMPROMISE}


class Registry:
    """A registry whose signatures were verified. Certificate paths are validated on first use, then remembered.

    Attributes:
        version: The version of its snapshot; it never goes back.
        issued_at: When its timestamp was signed, aware UTC: the age of everything in it.
        fresh_until: Until when its national part may be relied on, aware UTC.
        anchor: The national X.509 root.
        national_crl: DER of that root's revocation list; None when it published none.
        regions: Code → region, or USCC → ministry; those with a problem of their own are missing.
        problems: Code → why a region is not in use; or, where it still is, why one of its claims was refused.
        policy: How old what may be.
    """

    def __init__(
        self,
        *,
        version: int,
        issued_at: datetime,
        fresh_until: datetime,
        anchor: Certificate,
        national_crl: bytes | None,
        regions: Mapping[str, Region],
        keys: Mapping[bytes, RegisteredKey],
        problems: Mapping[str, EcertError],
        policy: Policy,
    ) -> None:
        """Put together what was verified; use `load_registry`."""
        self.version = version
        self.issued_at = issued_at
        self.fresh_until = fresh_until
        self.anchor = anchor
        self.national_crl = national_crl
        self.regions = regions
        self.problems = problems
        self.policy = policy
        self._keys = keys
        self._thefts: dict[bytes, dict[int, datetime]] = {}
        self._compromised: dict[bytes, datetime | None] = {}
        self._paths: dict[tuple[str, bytes], ValidatedPath | VerificationError | MalformedError] = {}

    def is_fresh(self, at: datetime) -> bool:
        """Tell whether the national part may be relied on at `at`."""
        return at <= self.fresh_until

    def fresh_until_of(self, key: RegisteredKey) -> datetime:
        """Return until when what is said of a key may be relied on: its region's part may end earlier."""
        return min(self.fresh_until, key.region.fresh_until)

    def find(self, key_id: bytes) -> RegisteredKey | None:
        """Return the key with this id, 8 bytes; None when no registered key has it."""
        return self._keys.get(key_id)

    def keys(self) -> Collection[RegisteredKey]:
        """Return every registered key."""
        return self._keys.values()

    def budget(self, type_code: str, matter: str | None = None) -> Budget:
        """Return how old the evidence may be for a licence of this type, shown for this matter."""
        return self.policy.budget(type_code, matter)

    def standing(self, key: RegisteredKey, at: datetime, certificate: Certificate | None = None) -> ValidatedPath:
        """Return the path from the key's certificate to the anchor, valid at `at`.

        What an issuer was entitled to is not asked here (`RegisteredKey.entitlement_problem`); a key of any other
        role also has to have been registered and active.

        Args:
            key: The key.
            at: The instant, aware.
            certificate: Which of the key's certificates was used; by default the one that was in use then.

        Raises:
            RejectedError: no valid path, or one that was not valid, or revoked, at `at`.
            UndeterminedError: the evidence for it is missing.
        """
        problem = None if key.member.role is Role.ISSUER else key.standing_problem(at)
        if problem is not None:
            raise RejectedError(Reason.ISSUER_NOT_ENTITLED, f"of {key.member.code}, {problem}")
        path = self.path_of(key, certificate or _in_use(key, at))
        if at < path.not_before:
            raise RejectedError(Reason.CERTIFICATE_NOT_YET_VALID, f"the path is valid from {path.not_before:%F %T}Z")
        if at > path.not_after:
            raise RejectedError(Reason.CERTIFICATE_EXPIRED, f"the path was valid until {path.not_after:%F %T}Z")
        for revocation in path.revocations:
            if revocation.at <= at:
                raise RejectedError(Reason.CERTIFICATE_REVOKED, f"revoked at {revocation.at:%F %T}Z")
        return path

    def compromised_at(self, key: RegisteredKey) -> datetime | None:
        """Return since when somebody else may have had the key, by any of its certificates or its authority's.

        The revocation lists are asked directly: a theft dated before a certificate's first instant leaves no valid
        path that could tell of it.
        """
        point = key.public_key.point
        if point not in self._compromised:
            self._compromised[point] = self._earliest_theft(key)
        return self._compromised[point]

    def _earliest_theft(self, key: RegisteredKey) -> datetime | None:
        authority = Certificate.from_der(key.region.certificate)
        listed = [(key.region.crl, one.serial) for one in key.certificates] + [(self.national_crl, authority.serial)]
        thefts = [self._theft(crl, serial) for crl, serial in listed if crl is not None]
        return min((at for at in thefts if at is not None), default=None)

    def _theft(self, crl: bytes, serial: int) -> datetime | None:
        if crl not in self._thefts:
            revoked = RevocationList.from_der(crl).revoked
            self._thefts[crl] = {one.serial: one.at for one in revoked if one.reason in _COMPROMISE}
        return self._thefts[crl].get(serial)

    def path_of(self, key: RegisteredKey, certificate: Certificate) -> ValidatedPath:
        """Return a certificate's path from the first instant that all of it was valid; remembered.

        What became of it later (its end, revocations) is in the path, for `standing` to hold against an instant.

        Raises:
            VerificationError: there is no valid path, or evidence for it is missing.
            MalformedError: a certificate or revocation list cannot be read.
        """
        cached = (key.region.code, certificate.der)
        if cached not in self._paths:
            try:
                self._paths[cached] = self._validate(key, certificate)
            except (VerificationError, MalformedError) as error:
                self._paths[cached] = error
        path = self._paths[cached]
        if isinstance(path, Exception):
            raise path
        return path

    def _validate(self, key: RegisteredKey, certificate: Certificate) -> ValidatedPath:
        authority = Certificate.from_der(key.region.certificate)
        return validate_path(
            certificate.der,
            [authority.der],
            [self.anchor.der],
            at=max(one.not_before for one in (certificate, authority, self.anchor)),
            crls=[crl for crl in (self.national_crl, key.region.crl) if crl is not None],
            purpose=PURPOSES[key.member.role],
        )


def _in_use(key: RegisteredKey, at: datetime) -> Certificate:
    """Return the certificate that was in use at `at`, by its own dates; failing that the newest."""
    return next((one for one in key.certificates if one.not_before <= at <= one.not_after), key.certificate)
