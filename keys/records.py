"""Reading a ceremony directory: certificates, revocation lists, facts, and how each key stands. Opens no key."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ecert.errors import EcertError, MalformedError, NotFoundError, Reason
from ecert.x509 import Certificate, Revocation, RevocationList
from keys.facts import MAX_FACTS, Facts, decode_facts
from keys.names import NATIONAL_ROOT, KeyName, Kind

if TYPE_CHECKING:
    from datetime import datetime

    from keys.home import Home

MAX_CERTIFICATE: Final = 64 * 1024
"""The most bytes of a certificate file."""
MAX_CRL: Final = 16 * 1024 * 1024
"""The most bytes of a revocation list file."""


class Standing(StrEnum):
    """How a certificate stands at an instant. A wire contract of `list --json`."""

    IN_FORCE = "in-force"
    REPLACED = "replaced"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Entry:
    """One certificate in the directory, with what lies beside it.

    Attributes:
        name: Its name.
        certificate: The certificate.
        standing: How it stands at the instant asked about.
        key_mode: The permission bits of its key file; None where there is no key file here.
        revocation: Its entry on the issuer's revocation list; None where it is not on it.
        facts: The public facts; None for a national root and a status key.
        crl: The revocation list it signs; None where it signs none.
    """

    name: KeyName
    certificate: Certificate
    standing: Standing
    key_mode: int | None
    revocation: Revocation | None
    facts: Facts | None
    crl: RevocationList | None

    def as_json(self) -> dict[str, Any]:
        """Return plain values: times in RFC 3339 UTC, numbers of certificates and keys in hex."""
        certificate = self.certificate
        value: dict[str, Any] = {
            "name": str(self.name),
            "kind": str(self.name.kind),
            "standing": str(self.standing),
            "serial": f"{certificate.serial:x}",
            "keyId": certificate.public_key.key_id.hex() if certificate.public_key else None,
            "subject": certificate.subject_text,
            "issuer": certificate.issuer_text,
            "notBefore": rfc3339(certificate.not_before),
            "notAfter": rfc3339(certificate.not_after),
            "keyMode": None if self.key_mode is None else f"{self.key_mode:04o}",
            "revoked": None,
            "facts": self.facts.as_json() if self.facts else None,
            "crl": None,
        }
        if self.revocation:
            value["revoked"] = {"at": rfc3339(self.revocation.at), "reason": reason_text(self.revocation)}
        if self.crl:
            value["crl"] = {
                "number": self.crl.number,
                "thisUpdate": rfc3339(self.crl.this_update),
                "nextUpdate": rfc3339(self.crl.next_update) if self.crl.next_update else None,
                "revoked": len(self.crl.revoked),
            }
        return value


def rfc3339(at: datetime) -> str:
    """Write an aware UTC time to the second, e.g. `2026-01-02T03:04:05Z`."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def reason_text(revocation: Revocation) -> str:
    """Write a revocation's reason as the command line takes it, e.g. `key-compromise`."""
    return revocation.reason.name.lower().replace("_", "-")


class Records:
    """What a ceremony directory says, read anew at every question."""

    def __init__(self, home: Home) -> None:
        """Read in `home`."""
        self._home = home

    def _read(self, name: str, limit: int) -> bytes:
        path = self._home.file(name)
        try:
            with path.open("rb") as file:
                data = file.read(limit + 1)
        except FileNotFoundError as error:
            raise NotFoundError(Reason.KEY_NOT_FOUND, f"there is no {path}") from error
        except OSError as error:
            raise NotFoundError(Reason.KEY_NOT_FOUND, f"{path} cannot be read: {error.strerror}") from error
        if len(data) > limit:
            raise MalformedError(Reason.TOO_LARGE, f"{path} is longer than {limit} bytes")
        return data

    def _about(self, name: str, error: EcertError) -> EcertError:
        return type(error)(error.reason, f"{self._home.file(name)}: {error.detail}")

    def certificate(self, name: KeyName) -> Certificate:
        """Return the certificate of that name.

        Raises:
            NotFoundError: there is none.
            MalformedError: the file is not a certificate.
        """
        try:
            return Certificate.from_pem(self._read(name.certificate, MAX_CERTIFICATE))
        except MalformedError as error:
            raise self._about(name.certificate, error) from error

    def crl(self, authority: KeyName) -> RevocationList:
        """Return the revocation list of that authority.

        Raises:
            NotFoundError: there is none.
            MalformedError: the file is not a revocation list.
        """
        try:
            return RevocationList.from_pem(self._read(authority.crl, MAX_CRL))
        except MalformedError as error:
            raise self._about(authority.crl, error) from error

    def facts(self, name: KeyName) -> Facts:
        """Return the public facts of a region, a department or a seal maker.

        Raises:
            NotFoundError: there is no such file.
            MalformedError: the file does not hold sound facts.
        """
        try:
            return decode_facts(name.kind, self._read(name.facts, MAX_FACTS))
        except MalformedError as error:
            raise self._about(name.facts, error) from error

    def issuer_of(self, name: KeyName) -> KeyName:
        """Return the authority that certifies `name`.

        Raises:
            EcertError: the national root has none above it, or the facts that name the region are missing.
        """
        if name.kind is Kind.NATIONAL_ROOT:
            raise EcertError(Reason.USAGE, "nobody certifies the national root, and nobody can revoke it")
        if name.kind is Kind.REGION:
            return NATIONAL_ROOT
        return KeyName(Kind.REGION, name.code if name.kind is Kind.STATUS else self.facts(name).region)

    def revocation(self, name: KeyName) -> Revocation | None:
        """Return the entry of `name` on its issuer's revocation list.

        None also where the issuer's list is not in this directory: a region need not hold the national root's.

        Raises:
            NotFoundError: there is no such certificate.
            MalformedError: a file is malformed.
        """
        if name.kind is Kind.NATIONAL_ROOT:
            return None
        serial = self.certificate(name).serial
        try:
            return self.crl(self.issuer_of(name)).find(serial)
        except NotFoundError:
            return None

    def entry(self, name: KeyName, at: datetime) -> Entry:
        """Return everything about one certificate.

        Raises:
            NotFoundError: there is no such certificate.
            MalformedError: a file is malformed.
        """
        certificate = self.certificate(name)
        revocation = self.revocation(name)
        if revocation is not None and revocation.at <= at:
            standing = Standing.REVOKED
        elif at > certificate.not_after:
            standing = Standing.EXPIRED
        elif name.serial is not None:
            standing = Standing.REPLACED
        else:
            standing = Standing.IN_FORCE if at >= certificate.not_before else Standing.NOT_YET_VALID
        try:
            mode = stat.S_IMODE(self._home.file(name.key).stat().st_mode)
        except FileNotFoundError:
            mode = None
        has_facts = name.kind not in (Kind.NATIONAL_ROOT, Kind.STATUS)
        return Entry(
            name=name,
            certificate=certificate,
            standing=standing,
            key_mode=mode,
            revocation=revocation,
            facts=self.facts(name) if has_facts else None,
            crl=self.crl(name) if name.is_authority else None,
        )

    def names(self) -> tuple[KeyName, ...]:
        """Return the name of every certificate here, authorities first, each before what replaced it."""
        found = []
        for path in self._home.path.glob("*.pem"):
            if not path.name.endswith((".key.pem", ".crl.pem")):
                try:
                    found.append(KeyName.parse(path.name.removesuffix(".pem")))
                except EcertError:
                    continue  # somebody's own file
        return tuple(sorted(found, key=lambda name: (list(Kind).index(name.kind), name.code, name.serial or "")))
