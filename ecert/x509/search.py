"""Finds candidate chains from a leaf to an anchor: depth first, by raw name and by signature, within a budget.

Every link's signature is verified before the search goes on through it, so that a pile of look-alike
certificates costs one verification each and cannot multiply; and there is a budget for those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ecert.errors import Reason, RejectedError, VerificationError
from ecert.x509.rules import MAX_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ecert.sm2 import PublicKey
    from ecert.x509.certificate import Certificate
    from ecert.x509.crl import RevocationList

MAX_VERIFICATIONS: Final = 256
"""Signatures verified for one path, lists included: a third of a second at worst."""

NO_PATH: Final = 0
WRONG_NAME: Final = 1
BAD_LINK: Final = 2
RULE_BROKEN: Final = 3
REVOKED: Final = 4
UNDETERMINED: Final = 5
"""How far a candidate got before it failed: the failure of the one that got furthest is reported."""


@dataclass(slots=True)
class Budget:
    """Signature verifications left."""

    left: int = MAX_VERIFICATIONS

    def verify(self, what: Certificate | RevocationList, key: PublicKey | None) -> None:
        """Verify one signature, and count it.

        Raises:
            RejectedError: not this key's signature, or nothing is left.
        """
        if self.left <= 0:
            raise RejectedError(Reason.CERTIFICATE_NO_PATH, f"more than {MAX_VERIFICATIONS} signatures to try")
        self.left -= 1
        what.verify_issued_by(key)


@dataclass(slots=True)
class Failures:
    """Keeps the most telling failure: the one of the candidate that got furthest, the first among equals."""

    best: tuple[tuple[int, int], VerificationError] | None = None

    def note(self, stage: int, length: int, error: VerificationError) -> None:
        """Remember `error`, which stopped a chain of `length` certificates at `stage`."""
        if self.best is None or (stage, length) > self.best[0]:
            self.best = ((stage, length), error)


@dataclass(slots=True)
class Search:
    """One search's material.

    Attributes:
        intermediates: Certificates that may stand between; nothing about them is believed.
        anchors: The pinned certificates a chain must end in.
        budget: Verifications left.
        failures: What stopped the candidates so far.
    """

    intermediates: Iterable[Certificate]
    anchors: Iterable[Certificate]
    budget: Budget
    failures: Failures = field(default_factory=Failures)
    _by_subject: dict[bytes, list[Certificate]] = field(init=False)
    _anchored: frozenset[bytes] = field(init=False)

    def __post_init__(self) -> None:
        anchors = {anchor.der: anchor for anchor in self.anchors}
        others = {one.der: one for one in self.intermediates if one.der not in anchors}
        self._anchored = frozenset(anchors)
        self._by_subject = {}
        for certificate in (*anchors.values(), *others.values()):
            self._by_subject.setdefault(certificate.subject, []).append(certificate)

    def named(self, subject: bytes) -> list[Certificate]:
        """Return every certificate with this raw subject, anchors first."""
        return self._by_subject.get(subject, [])

    def chains(self, leaf: Certificate) -> Iterator[tuple[Certificate, ...]]:
        """Yield chains, leaf first and anchor last, in which every name and every signature fits."""
        yield from self._extend((leaf,))

    def _extend(self, chain: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, ...]]:
        current = chain[-1]
        if current.der in self._anchored:
            yield chain
            return
        if len(chain) >= MAX_CERTIFICATES:
            detail = f"the chain is longer than {MAX_CERTIFICATES} certificates"
            self.failures.note(NO_PATH, len(chain), RejectedError(Reason.CERTIFICATE_PATH_LENGTH, detail))
            return
        candidates = self.named(current.issuer)
        if not candidates:
            self._explain_dead_end(chain)
        for issuer in candidates:
            if any((one.subject, one.spki) == (issuer.subject, issuer.spki) for one in chain):
                continue
            try:
                self.budget.verify(current, issuer.public_key)
            except RejectedError as error:
                self.failures.note(BAD_LINK, len(chain), _bad_link(current, error))
            else:
                yield from self._extend((*chain, issuer))

    def _explain_dead_end(self, chain: tuple[Certificate, ...]) -> None:
        """Tell an issuer nobody knows from one that signed, and whose name differs."""
        current = chain[-1]
        identifier = current.meaning.authority_key_id
        everyone = (one for named in self._by_subject.values() for one in named)
        named_by_key = (one for one in everyone if identifier and one.meaning.subject_key_id == identifier)
        for issuer in named_by_key:
            try:
                self.budget.verify(current, issuer.public_key)
            except RejectedError:
                continue
            detail = f"{current.subject_text} names {current.issuer_text} as issuer, and {issuer.subject_text} signed"
            error = RejectedError(Reason.CERTIFICATE_NAME_CHAINING, detail)
            self.failures.note(WRONG_NAME, len(chain), error)
            return
        detail = f"no certificate of {current.issuer_text}, who issued {current.subject_text}, leads to a trust anchor"
        self.failures.note(NO_PATH, len(chain), RejectedError(Reason.CERTIFICATE_NO_PATH, detail))


def _bad_link(certificate: Certificate, error: RejectedError) -> RejectedError:
    reason = Reason.CERTIFICATE_SIGNATURE_BAD if error.reason is Reason.SIGNATURE_BAD else error.reason
    return RejectedError(reason, f"the certificate of {certificate.subject_text}: {error.detail}")
