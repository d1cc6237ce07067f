"""The key ceremony: roots, regions, departments and seal makers; rotation, revocation, revocation lists.

Every act goes the same way:

1. Refuse what can be refused from public files, before anybody is asked for a passphrase.
2. Open the issuer's key, and see that it belongs to the issuer's certificate.
3. Make everything in memory, and check our own work: the new key file opens with its passphrase, what was
   signed verifies.
4. Write all files, or none (`keys.home`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecert.errors import CustodyError, EcertError, Reason, RejectedError
from ecert.x509 import Certificate, CrlReason, Revocation
from keys.facts import RegionFacts, SealMakerFacts, encode_facts, require_name
from keys.home import Change, Home
from keys.making import Authority, certify, certify_root, new_key, sign_list
from keys.names import NATIONAL_ROOT, KeyName, Kind
from keys.records import Entry, Records, rfc3339
from keys.signer import open_key_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Passphrase = Callable[[], bytes]


@dataclass(frozen=True)
class Done:
    """What an act left behind.

    Attributes:
        files: The files written, new names only.
        keys: The names of the keys made.
    """

    files: tuple[Path, ...]
    keys: tuple[KeyName, ...] = ()


class Ceremony:
    """A ceremony directory and the acts on it. The clock is an argument; passphrases are asked for when needed."""

    def __init__(self, home: Path, *, now: Callable[[], datetime]) -> None:
        """Work in the directory `home`, which need not exist yet, by the clock `now` (aware times)."""
        self._home = Home(home)
        self._records = Records(self._home)
        self._clock = now
        if home.is_dir():
            self._home.prepare()

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC).replace(microsecond=0)

    def init_national(self, *, name: str, passphrase: Passphrase) -> Done:
        """Make the national root: key, certificate that it signs itself, and an empty revocation list.

        Raises:
            CustodyError: there is one, the passphrase is too short, or the directory cannot be written.
            MalformedError: the name cannot stand in a certificate.
        """
        require_name(name)
        self._home.require_free(NATIONAL_ROOT.certificate, NATIONAL_ROOT.key, NATIONAL_ROOT.crl)
        key, pem = new_key(passphrase())
        certificate = certify_root(name, key, self._now())
        authority = Authority(NATIONAL_ROOT, certificate, key)
        files = {
            NATIONAL_ROOT.certificate: certificate.to_pem(),
            NATIONAL_ROOT.key: pem,
            NATIONAL_ROOT.crl: sign_list(authority, number=1, revoked=(), at=self._now()),
        }
        return self._create(files, NATIONAL_ROOT)

    def init_region(
        self,
        facts: RegionFacts,
        *,
        passphrase: Passphrase,
        issuer_passphrase: Passphrase,
        status_passphrase: Passphrase | None = None,
    ) -> Done:
        """Make a region's authority, with an empty revocation list, and the key that signs its status lists.

        Args:
            facts: Whose authority it is.
            passphrase: Of the authority's new key.
            issuer_passphrase: Of the national root's key.
            status_passphrase: Of the status key, which works on line where the authority's should not; without
                it, the same as the authority's.

        Raises:
            EcertError: the region exists, the national root cannot be opened, or the files cannot be written.
        """
        region, status = KeyName(Kind.REGION, facts.region), KeyName(Kind.STATUS, facts.region)
        self._home.require_free(
            region.certificate, region.key, region.crl, region.facts, status.certificate, status.key
        )
        root = self._open(NATIONAL_ROOT, issuer_passphrase)
        key, pem = new_key(passphrase())
        status_key, status_pem = new_key((status_passphrase or passphrase)())
        certificate = certify(region, facts, key.public_key, root, self._now())
        authority = Authority(region, certificate, key)
        files = {
            region.certificate: certificate.to_pem(),
            region.key: pem,
            region.crl: sign_list(authority, number=1, revoked=(), at=self._now()),
            region.facts: encode_facts(facts),
            status.certificate: certify(status, facts, status_key.public_key, authority, self._now()).to_pem(),
            status.key: status_pem,
        }
        return self._create(files, region, status)

    def issue_body(
        self, name: KeyName, facts: SealMakerFacts, *, passphrase: Passphrase, issuer_passphrase: Passphrase
    ) -> Done:
        """Make the key of a department, seal maker, time-stamping authority or relying party; its region certifies it.

        Raises:
            EcertError: it exists, the region cannot be opened, or the files cannot be written.
        """
        self._home.require_free(name.certificate, name.key, name.facts)
        issuer = self._open(KeyName(Kind.REGION, facts.region), issuer_passphrase)
        key, pem = new_key(passphrase())
        certificate = certify(name, facts, key.public_key, issuer, self._now())
        files = {name.certificate: certificate.to_pem(), name.key: pem, name.facts: encode_facts(facts)}
        return self._create(files, name)

    def rotate(
        self,
        name: KeyName,
        *,
        passphrase: Passphrase,
        issuer_passphrase: Passphrase,
        compromised_at: datetime | None = None,
    ) -> Done:
        """Replace the key and certificate of a department, a seal maker or a region's status key.

        The old ones stay under `<name>.<serial>`. What the old key sealed stays valid, unless it was compromised:
        then its certificate goes on the region's revocation list from that time on.

        Args:
            name: What to rotate.
            passphrase: Of the new key.
            issuer_passphrase: Of the region's key.
            compromised_at: Since when somebody else may have had the old key, aware; None when nobody had.

        Raises:
            EcertError: there is nothing of this name, it is an authority, or a key or the directory cannot be used.
        """
        if name.serial is not None or name.kind in (Kind.NATIONAL_ROOT, Kind.REGION):
            raise EcertError(Reason.USAGE, f"{name} cannot be rotated: authorities' keys are not, nor replaced ones")
        old = self._records.certificate(name)
        if compromised_at is not None:
            self._revocation(name, old, CrlReason.KEY_COMPROMISE, compromised_at)  # refuse before asking anybody
        issuer = self._open(self._records.issuer_of(name), issuer_passphrase)
        key, pem = new_key(passphrase())
        facts = self._records.facts(KeyName(Kind.REGION, name.code) if name.kind is Kind.STATUS else name)
        certificate = certify(name, facts, key.public_key, issuer, self._now())
        with self._home.locked():
            old = self._issued_by(issuer, name)
            kept = KeyName(name.kind, name.code, f"{old.serial:x}")
            keep = {name.certificate: kept.certificate}
            replace = {name.certificate: certificate.to_pem()}
            create = {}
            if self._home.file(name.key).exists():
                keep[name.key] = kept.key
                replace[name.key] = pem
            else:  # the operator moved the old key away
                create[name.key] = pem
            if compromised_at is not None:
                revocation = self._revocation(name, old, CrlReason.KEY_COMPROMISE, compromised_at)
                replace[issuer.name.crl] = self._next_crl(issuer, revocation)
            files = self._home.apply(Change(create=create, keep=keep, replace=replace))
        return Done(files, (name,))

    def revoke(self, name: KeyName, *, reason: CrlReason, at: datetime, issuer_passphrase: Passphrase) -> Done:
        """Put a certificate, in use or replaced, on its issuer's revocation list.

        What was sealed before `at` stays valid. A later command may move `at` earlier, never later.

        Raises:
            EcertError: no such certificate, it is revoked since `at` or earlier, `at` lies in the future or before
                the certificate, or the issuer's key cannot be used.
        """
        certificate = self._records.certificate(name)
        issuer_name = self._records.issuer_of(name)
        self._revocation(name, certificate, reason, at)  # refuse before asking anybody
        issuer = self._open(issuer_name, issuer_passphrase, to_certify=False)
        with self._home.locked():
            revocation = self._revocation(name, self._issued_by(issuer, name), reason, at)
            return Done(self._home.apply(Change(replace={issuer.name.crl: self._next_crl(issuer, revocation)})))

    def sign_crl(self, name: KeyName, *, passphrase: Passphrase) -> Done:
        """Sign an authority's revocation list anew, with the same entries, for another 30 days.

        Raises:
            EcertError: `name` is no authority here, or its key cannot be used.
        """
        if not name.is_authority:
            raise EcertError(Reason.USAGE, f"{name} signs no revocation list: national-root and region-CODE do")
        authority = self._open(name, passphrase, to_certify=False)
        with self._home.locked():
            return Done(self._home.apply(Change(replace={name.crl: self._next_crl(authority)})))

    def issuer_of(self, name: KeyName) -> KeyName:
        """Return the authority that certifies `name`: whose passphrase a rotation or revocation needs.

        Raises:
            EcertError: the national root has none above it, or the facts that name the region are missing.
        """
        return self._records.issuer_of(name)

    def entries(self) -> tuple[Entry, ...]:
        """Return every certificate in the directory, authorities first.

        Raises:
            NotFoundError: the directory does not exist.
            MalformedError: a file in it is malformed.
        """
        now = self._now()
        return tuple(self._records.entry(name, now) for name in self._records.names())

    def entry(self, name: KeyName) -> Entry:
        """Return one certificate with what lies beside it.

        Raises:
            NotFoundError: there is no such certificate.
            MalformedError: a file is malformed.
        """
        return self._records.entry(name, self._now())

    def _create(self, files: dict[str, bytes], *keys: KeyName) -> Done:
        with self._home.locked():
            return Done(self._home.apply(Change(create=files)), keys)

    def _open(self, name: KeyName, passphrase: Passphrase, *, to_certify: bool = True) -> Authority:
        """Open an authority's key. One that is revoked or expired certifies nothing, but still signs its list."""
        certificate, now = self._records.certificate(name), self._now()
        if to_certify:
            if now < certificate.not_before:
                raise RejectedError(
                    Reason.CERTIFICATE_NOT_YET_VALID, f"{name} is valid from {rfc3339(certificate.not_before)}"
                )
            if now > certificate.not_after:
                raise RejectedError(
                    Reason.CERTIFICATE_EXPIRED, f"{name} was valid until {rfc3339(certificate.not_after)}"
                )
            revocation = self._records.revocation(name)
            if revocation is not None:
                raise RejectedError(Reason.CERTIFICATE_REVOKED, f"{name} is revoked since {rfc3339(revocation.at)}")
        key = open_key_file(self._home.file(name.key), passphrase)
        if key.public_key != certificate.public_key:
            raise CustodyError(
                Reason.KEY_MISMATCH,
                f"{self._home.file(name.key)} is not the key of {self._home.file(name.certificate)}",
            )
        return Authority(name, certificate, key)

    def _issued_by(self, authority: Authority, name: KeyName) -> Certificate:
        """Read a certificate and see that the authority signed it: its serial number is about to be acted upon."""
        certificate = self._records.certificate(name)
        certificate.verify_issued_by(authority.key.public_key)
        return certificate

    def _next_crl(self, authority: Authority, added: Revocation | None = None) -> bytes:
        """Sign the list after the one on disk; the caller holds the lock."""
        crl = self._records.crl(authority.name)
        crl.verify_issued_by(authority.key.public_key)  # or an altered file would be signed into truth
        revoked = {revocation.serial: revocation for revocation in crl.revoked}
        if added is not None:
            revoked[added.serial] = added
        return sign_list(authority, number=(crl.number or 0) + 1, revoked=revoked.values(), at=self._now())

    def _revocation(self, name: KeyName, certificate: Certificate, reason: CrlReason, at: datetime) -> Revocation:
        at = at.astimezone(UTC).replace(microsecond=0)
        if at > self._now():
            raise EcertError(Reason.USAGE, f"{rfc3339(at)} lies in the future")
        if at < certificate.not_before:
            raise EcertError(
                Reason.USAGE,
                f"{rfc3339(at)} is before {name} was certified; the earliest is {rfc3339(certificate.not_before)}",
            )
        known = self._records.revocation(name)
        if known is not None and known.at <= at:
            raise RejectedError(Reason.CERTIFICATE_REVOKED, f"{name} is revoked since {rfc3339(known.at)} already")
        return Revocation(certificate.serial, at, reason)
