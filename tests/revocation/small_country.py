"""Two regions with real certificates, and in each a department and a status key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ecert.sm2 import PrivateKey
from ecert.trust.members import Member, Region, RegisteredKey, Role
from ecert.trust.policy import Policy
from ecert.trust.registry import Registry
from ecert.x509 import Certificate, CrlReason, Name, Profile, Revocation, build_certificate, build_crl

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
START = NOW - timedelta(days=365)
GUANGDONG, SHANGHAI = "440000", "310000"


@dataclass
class Country:
    """All keys in memory, made once; a registry is made anew from what was revoked by then."""

    keys: dict[str, PrivateKey] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    revoked: dict[str, Revocation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._certify("root", Profile.ROOT, "root")
        for region in (GUANGDONG, SHANGHAI):
            self._certify(region, Profile.REGION, "root")
            self._certify(f"status-{region}", Profile.STATUS, region)
            self._certify(f"issuer-{region}", Profile.DEPARTMENT, region)

    def _certify(self, name: str, profile: Profile, issuer: str) -> None:
        self.keys[name] = PrivateKey.generate()
        self.certificates[name] = build_certificate(
            profile=profile,
            subject=Name(name),
            public_key=self.keys[name].public_key,
            serial=len(self.keys),
            not_before=START,
            not_after=START + timedelta(days=3650),
            signer=self.keys[issuer],
            issuer=self.certificates.get(issuer),
        )

    def revoke(self, name: str, at: datetime, reason: CrlReason) -> None:
        self.revoked[name] = Revocation(self.certificates[name].serial, at, reason)

    def key_id(self, name: str) -> bytes:
        return self.keys[name].public_key.key_id

    def _crl(self, issuer: str, names: Sequence[str]) -> bytes:
        return build_crl(
            issuer=self.certificates[issuer],
            signer=self.keys[issuer],
            number=1,
            this_update=START,
            next_update=NOW + timedelta(days=30),
            revoked=[self.revoked[name] for name in names if name in self.revoked],
        ).der

    def registry(self) -> Registry:
        keys: dict[bytes, RegisteredKey] = {}
        regions = {}
        for code in (GUANGDONG, SHANGHAI):
            names = {f"status-{code}": Role.STATUS, f"issuer-{code}": Role.ISSUER}
            members = {
                name: Member(role, code, f"机构 {name}", name, (self.certificates[name].der,))
                for name, role in names.items()
            }
            crl = self._crl(code, list(names))
            region = Region(
                code, "地区", code, self.certificates[code].der, crl, tuple(members.values()), NOW + timedelta(days=7)
            )
            regions[code] = region
            for name, member in members.items():
                public_key = self.keys[name].public_key
                keys[public_key.key_id] = RegisteredKey(
                    region, member, (self.certificates[name],), public_key, (member,)
                )
        return Registry(
            version=1,
            issued_at=NOW,
            fresh_until=NOW + timedelta(days=7),
            anchor=self.certificates["root"],
            national_crl=self._crl("root", [GUANGDONG, SHANGHAI]),
            regions=regions,
            keys=keys,
            problems={},
            policy=Policy(),
        )
