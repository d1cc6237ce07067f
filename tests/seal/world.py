"""Who seals in these tests: a root, a region below it, a seal maker, a department and a time-stamping service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ecert.errors import Reason, UndeterminedError
from ecert.sm2 import PrivateKey
from ecert.x509 import (
    Certificate,
    Name,
    Profile,
    Purpose,
    Revocation,
    ValidatedPath,
    build_certificate,
    build_crl,
    validate_path,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = 365 * DAY


@dataclass
class World:
    """Keys and certificates by name; `revoked` is what the region's revocation list says."""

    keys: dict[str, PrivateKey] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    revoked: list[Revocation] = field(default_factory=list)

    @classmethod
    def build(cls) -> World:
        world = cls()
        world.certify("root", Profile.ROOT, None)
        world.certify("region", Profile.REGION, "root")
        world.certify("maker", Profile.SEAL_MAKER, "region")
        world.certify("department", Profile.DEPARTMENT, "region")
        world.certify("other", Profile.DEPARTMENT, "region")
        world.certify("tsa", Profile.TSA, "region")
        return world

    def certify(
        self,
        name: str,
        profile: Profile,
        issuer: str | None,
        *,
        not_before: datetime = NOW - YEAR,
        not_after: datetime = NOW + 5 * YEAR,
    ) -> Certificate:
        key = self.keys.setdefault(name, PrivateKey.generate())
        self.certificates[name] = build_certificate(
            profile=profile,
            subject=Name(f"样例{name}", "电子证照"),
            public_key=key.public_key,
            serial=len(self.certificates) + 1,
            not_before=not_before,
            not_after=not_after,
            signer=self.keys[issuer or name],
            issuer=self.certificates[issuer] if issuer else None,
        )
        return self.certificates[name]

    def validate(self, certificate: bytes, *, at: datetime, purpose: Purpose) -> ValidatedPath:
        crls = [
            build_crl(
                issuer=self.certificates[name],
                signer=self.keys[name],
                number=1,
                this_update=NOW,
                next_update=NOW + 10 * YEAR,
                revoked=self.revoked if name == "region" else (),
            ).der
            for name in ("root", "region")
        ]
        return validate_path(
            certificate,
            [self.certificates["region"].der],
            [self.certificates["root"].der],
            at=at,
            crls=crls,
            purpose=purpose,
        )


def nobody(certificate: bytes, *, at: datetime, purpose: Purpose) -> ValidatedPath:
    """Nobody is pinned: who signed cannot be told."""
    raise UndeterminedError(
        Reason.ISSUER_UNKNOWN, f"no trust anchor is held for {purpose} at {at} ({len(certificate)})"
    )
