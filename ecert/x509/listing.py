"""What revocation lists say about one certificate at one instant (RFC 5280, 6.3).

A list that names the certificate is believed even when it is stale, partial or a delta, as long as its signature
holds: bad news needs no freshness. Only a list that is fresh, complete and about this certificate clears it by
silence. A list with something critical that is not understood, or with other issuers' entries, says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ecert.errors import Reason, RejectedError, UndeterminedError, VerificationError
from ecert.x509.entries import CrlReason, Revocation
from ecert.x509.general_names import DIRECTORY, GeneralName

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ecert.x509.certificate import Certificate
    from ecert.x509.crl import RevocationList
    from ecert.x509.search import Budget

_TELLING = (Reason.CRL_SIGNATURE_BAD, Reason.CRL_UNSUPPORTED, Reason.CRL_STALE)
"""Why a list did not help, the least telling first."""


class Trust(Protocol):
    """Validates a list signer's certificate to the anchor of the path in question."""

    def __call__(self, signer: Certificate, /) -> None:
        """Raise VerificationError unless the signer's path is valid."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists at hand.

    Attributes:
        lists: Those that can be read.
        unreadable: How many more were given.
        at: The instant asked about.
        budget: Signature verifications left.
    """

    lists: tuple[RevocationList, ...]
    unreadable: int
    at: datetime
    budget: Budget

    def look_up(
        self,
        certificate: Certificate,
        issuer: Certificate,
        others: Iterable[Certificate],
        trust: Trust,
    ) -> Revocation | None:
        """Clear a certificate, or say why not.

        Args:
            certificate: The certificate.
            issuer: The certificate of the key that signed it.
            others: Certificates with the issuer's name, whose keys may sign its lists instead.
            trust: Validates one of the `others` when its key turns out to have signed a list.

        Returns:
            The revocation that takes effect after `at`, if there is one.

        Raises:
            RejectedError: it was revoked at `at`.
            UndeterminedError: no list clears it.
        """
        signers = [issuer, *(one for one in others if one.public_key != issuer.public_key)]
        problems: list[UndeterminedError] = []
        clearing: list[RevocationList] = []
        naming: list[tuple[RevocationList, Revocation]] = []
        for one in self.lists:
            if one.issuer != certificate.issuer:
                continue
            try:
                _require_authentic(one, signers, trust, self.budget)
                found = one.find(certificate.serial)
                if found is not None and found.reason is not CrlReason.REMOVE_FROM_CRL:
                    naming.append((one, found))
                _require_clearing(one, certificate, self.at)
            except UndeterminedError as error:
                problems.append(error)
            else:
                clearing.append(one)
        revocation = _standing(naming, clearing)
        if revocation is not None and revocation.at <= self.at:
            detail = (
                f"the certificate of {certificate.subject_text} was revoked {revocation.at}: {revocation.reason.name}"
            )
            raise RejectedError(Reason.CERTIFICATE_REVOKED, detail)
        if not clearing:
            raise self._most_telling(certificate, problems)
        return revocation

    def _most_telling(self, certificate: Certificate, problems: list[UndeterminedError]) -> UndeterminedError:
        if problems:
            return max(problems, key=lambda problem: _TELLING.index(problem.reason))
        unread = f" ({self.unreadable} of the lists given cannot be read)" if self.unreadable else ""
        detail = f"no revocation list of {certificate.issuer_text}{unread}"
        return UndeterminedError(Reason.CRL_MISSING, detail)


def _unsupported(one: RevocationList, why: str) -> UndeterminedError:
    return UndeterminedError(Reason.CRL_UNSUPPORTED, f"a revocation list of {one.issuer_text} is not usable: {why}")


def _require_authentic(one: RevocationList, signers: list[Certificate], trust: Trust, budget: Budget) -> None:
    """Require that a key entitled to sign this issuer's lists signed this one, and that all of it is understood."""
    if one.unsupported is not None:
        raise _unsupported(one, one.unsupported)
    for signer in signers:
        try:
            budget.verify(one, signer.public_key)
        except RejectedError:
            continue
        if not signer.allows("crl_sign"):
            raise _unsupported(one, "the key that signed it may not sign lists")
        if signer is not signers[0]:
            try:
                trust(signer)
            except VerificationError as error:
                raise _unsupported(one, f"its signer is not trusted: {error}") from error
        return
    raise UndeterminedError(Reason.CRL_SIGNATURE_BAD, f"nobody entitled signed a revocation list of {one.issuer_text}")


def _require_clearing(one: RevocationList, certificate: Certificate, at: datetime) -> None:
    """Require that the list's silence would mean that the certificate is not revoked.

    A list made after `at` is welcome: it knows more.
    """
    scope = one.scope
    if one.delta:
        raise _unsupported(one, "it lists changes to another list only")
    if scope.only_reasons:
        raise _unsupported(one, "it covers some reasons only")
    if (scope.only_users and certificate.meaning.ca) or (scope.only_cas and not certificate.meaning.ca):
        raise _unsupported(one, "it does not cover this kind of certificate")
    if scope.names is not None and not any(scope.names & point for point in _points(certificate)):
        raise _unsupported(one, "it belongs to another distribution point")
    if one.next_update is None or one.next_update < at:
        raise UndeterminedError(Reason.CRL_STALE, f"the next list of {one.issuer_text} was due {one.next_update}")


def _points(certificate: Certificate) -> tuple[frozenset[GeneralName], ...]:
    """Return the certificate's distribution points, and the one every certificate has: its issuer's name."""
    return (*certificate.meaning.distribution_points, frozenset({GeneralName(DIRECTORY, certificate.issuer)}))


def _standing(naming: list[tuple[RevocationList, Revocation]], clearing: list[RevocationList]) -> Revocation | None:
    """Return the earliest revocation that stands: all but a hold that a later list, fresh and complete, has lifted."""
    cleared = max((one.this_update for one in clearing if all(one is not named for named, _ in naming)), default=None)
    standing = [
        revocation
        for one, revocation in naming
        if revocation.reason is not CrlReason.CERTIFICATE_HOLD or cleared is None or cleared <= one.this_update
    ]
    return min(standing, key=lambda revocation: revocation.at, default=None)
