"""The country of the trust tests: a nation, two provinces, a city, and a ministry with vertical administration."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ecert.sm2 import PrivateKey
from ecert.trust import EntryState, Grant, Member, Role, StateChange
from ecert.x509 import Certificate, CrlReason, Name, Profile, Revocation, build_certificate, build_crl
from tests.trust.repository import Repository

BIRTH = datetime(2024, 1, 1, tzinfo=UTC)

MINISTRY = "11100000000013127D"
"""公安部."""
ID_CARD = "11100000000013127D001"
PERMIT = "11100000000013338W009"
"""建筑工程施工许可证 of 住建部."""

GUANGDONG = "11440000DEMG100223"
SHANGHAI = "11310000DEMH10023M"
GUANGZHOU = "11440000DEMG100148"
POLICE = "11100000000013338W"
"""Stands for a body under the ministry; any valid credit code will do."""
ISSUERS = {"440000": GUANGDONG, "310000": SHANGHAI, "440100": GUANGZHOU, MINISTRY: POLICE}

STATE = StateChange(EntryState.ACTIVE, BIRTH, "")


@dataclass
class Country:
    """Its X.509 side, and the repository that publishes it.

    Attributes:
        now: When it stands, aware UTC.
        keys: Name → X.509 private key.
        certificates: Name → certificate.
    """

    now: datetime
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.certify("root", Profile.ROOT, None)
        for code in ("440000", "310000", "440100", MINISTRY):
            self.certify(code, Profile.REGION, "root")
            self.certify(ISSUERS[code], Profile.DEPARTMENT, code)
        for code in ("440000", "310000"):
            self.certify(f"status-{code}", Profile.STATUS, code)

    def certify(self, name: str, profile: Profile, issuer: str | None, *, since: datetime = BIRTH) -> Certificate:
        """Issue a certificate; for a name that has a key already, another one for the same key."""
        key = self.keys.setdefault(name, PrivateKey.generate())
        self.certificates[name] = build_certificate(
            profile=profile,
            subject=Name(name, organization=f"{name}机构"),
            public_key=key.public_key,
            serial=len(self.certificates) + 1 + int((since - BIRTH).total_seconds()),
            not_before=since,
            not_after=BIRTH + timedelta(days=3650),
            signer=self.keys[issuer or name],
            issuer=self.certificates[issuer] if issuer else None,
        )
        return self.certificates[name]

    def crl(self, authority: str, *revoked: Revocation) -> bytes:
        return build_crl(
            issuer=self.certificates[authority],
            signer=self.keys[authority],
            number=1 + len(revoked),
            this_update=BIRTH,
            next_update=self.now + timedelta(days=30),
            revoked=revoked,
        ).der

    def revocation(self, name: str, at: datetime, reason: CrlReason = CrlReason.SUPERSEDED) -> Revocation:
        return Revocation(self.certificates[name].serial, at, reason)

    def issuer(self, code: str, *grants: Grant, history: tuple[StateChange, ...] = (STATE,)) -> Member:
        name = ISSUERS[code]
        return Member(
            Role.ISSUER,
            name,
            f"样例机构{name}",
            f"Sample {name}",
            (self.certificates[name].der,),
            grants,
            history,
            {"service": "https://service.example/"},
        )

    def status_signer(self, code: str) -> Member:
        name = f"status-{code}"
        return Member(Role.STATUS, code, f"地区{code}", f"Region {code}", (self.certificates[name].der,))

    def repository(self) -> Repository:
        """Publish everybody, once."""
        repository = Repository(self.now)
        repository.set_nation(self.certificates["root"].der, self.crl("root"))
        for code, parent in (("440000", "targets"), ("310000", "targets"), ("440100", "440000"), (MINISTRY, "targets")):
            repository.add_region(code, self.certificates[code].der, self.crl(code), parent=parent)
        for code, area in (("440000", "44"), ("310000", "31"), ("440100", "4401")):
            repository.add_member(code, self.issuer(code, Grant(PERMIT, (area,), ("*",), BIRTH)))
        for code in ("440000", "310000"):
            repository.add_member(code, self.status_signer(code))
        repository.add_member(MINISTRY, self.issuer(MINISTRY, Grant(ID_CARD, ("*",), ("440000",), BIRTH)))
        repository.publish()
        return repository

    def key_id(self, name: str) -> bytes:
        return self.keys[name].public_key.key_id
