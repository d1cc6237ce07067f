"""Certification paths: from a certificate somebody shows to an anchor somebody pinned (RFC 5280, section 6).

    1. find a chain: every link by raw issuer name and by signature, SM2 with SM3 only      (`search`)
    2. check it against the rules, anchor to leaf                                            (`rules`)
    3. look every certificate below the anchor up in revocation lists, if lists are given    (`listing`)

The first chain that passes all three is the answer. If none does, the failure of the chain that got furthest is.

Decided here, where the standards leave room: names chain by their raw DER and are never prepared or folded;
the anchor's own validity and constraints bind; policies are not processed, and a certificate that sets policy
rules (mappings, constraints, inhibition) is refused, critical or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ecert.errors import MalformedError, Reason, RejectedError, UndeterminedError
from ecert.x509.certificate import Certificate
from ecert.x509.crl import RevocationList
from ecert.x509.entries import CrlReason
from ecert.x509.listing import Lists
from ecert.x509.rules import check_chain
from ecert.x509.schema import require_utc
from ecert.x509.search import REVOKED, RULE_BROKEN, UNDETERMINED, Budget, Search

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ecert.x509.entries import Revocation
    from ecert.x509.profiles import Purpose

__all__ = ["PathValidator", "ValidatedPath", "validate_path"]

_COMPROMISE = (CrlReason.KEY_COMPROMISE, CrlReason.CA_COMPROMISE)


@dataclass(frozen=True, slots=True)
class ValidatedPath:
    """The evidence that a certificate was good at an instant.

    Attributes:
        certificates: Leaf first, anchor last; one certificate when the leaf itself is pinned.
        revocations: Revocations known to take effect after that instant; callers decide what a later key
            compromise means to them. Always empty when no lists were consulted.
        not_before: The first instant at which all the certificates are valid, aware UTC.
        not_after: The last one.
    """

    certificates: tuple[Certificate, ...]
    revocations: tuple[Revocation, ...]
    not_before: datetime
    not_after: datetime

    @property
    def leaf(self) -> Certificate:
        """The certificate validated."""
        return self.certificates[0]

    @property
    def anchor(self) -> Certificate:
        """The anchor it leads to."""
        return self.certificates[-1]

    @property
    def compromise(self) -> Revocation | None:
        """The earliest of the later revocations that says a key got into other hands, and so may have backdated."""
        return min((one for one in self.revocations if one.reason in _COMPROMISE), key=_at, default=None)


def _at(revocation: Revocation) -> datetime:
    return revocation.at


class PathValidator(Protocol):
    """Whoever decides which certificates are believed: `validate_path` with anchors, or a trust registry."""

    def __call__(self, certificate: bytes, /, *, at: datetime, purpose: Purpose) -> ValidatedPath:
        """Validate a certificate in DER for an instant and a purpose.

        Raises:
            MalformedError: it cannot be read.
            RejectedError: it is not to be believed, or was revoked at `at`.
            UndeterminedError: it cannot be told.
        """


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of every path, the leaf's and a list signer's alike."""

    intermediates: tuple[Certificate, ...]
    lists: Lists | None
    at: datetime
    budget: Budget

    def answer(
        self,
        leaf: Certificate,
        anchors: tuple[Certificate, ...],
        purpose: Purpose | None,
        asking: frozenset[bytes] = frozenset(),
    ) -> ValidatedPath:
        """Validate; `asking` holds the list signers whose paths are being validated further up the call stack.

        Raises:
            VerificationError: the most telling failure.
        """
        search = Search(self.intermediates, anchors, self.budget)
        for chain in search.chains(leaf):
            try:
                check_chain(chain, self.at, purpose)
            except RejectedError as error:
                search.failures.note(RULE_BROKEN, len(chain), error)
                continue
            try:
                revocations = self._look_up(chain, search, asking)
            except RejectedError as error:
                search.failures.note(REVOKED, len(chain), error)
            except UndeterminedError as error:
                search.failures.note(UNDETERMINED, len(chain), error)
            else:
                not_before, not_after = max(one.not_before for one in chain), min(one.not_after for one in chain)
                return ValidatedPath(chain, revocations, not_before, not_after)
        if search.failures.best is None:
            raise RejectedError(Reason.CERTIFICATE_NO_PATH, "every candidate issuer leads round in a circle")
        raise search.failures.best[1]

    def _look_up(
        self, chain: tuple[Certificate, ...], search: Search, asking: frozenset[bytes]
    ) -> tuple[Revocation, ...]:
        """Look up every certificate below the anchor. Known to be revoked outweighs not known to be good."""
        if self.lists is None:
            return ()
        anchor = chain[-1]

        def trust(signer: Certificate) -> None:
            """Validate another certificate of the issuer's name, to the same anchor (RFC 5280, 6.3.3 (f))."""
            self.answer(signer, (anchor,), None, asking | {signer.der})

        found: list[Revocation] = []
        missing: list[UndeterminedError] = []
        for issuer, certificate in reversed(list(zip(chain[1:], chain[:-1], strict=True))):
            others = [one for one in search.named(certificate.issuer) if one.der not in asking]
            try:
                revocation = self.lists.look_up(certificate, issuer, others, trust)
            except UndeterminedError as error:
                missing.append(error)
                continue
            if revocation is not None:
                found.append(revocation)
        if missing:
            raise missing[0]
        return tuple(found)


def _read_what_reads(intermediates: Iterable[bytes]) -> tuple[tuple[Certificate, ...], int]:
    certificates, unreadable = [], 0
    for one in intermediates:
        try:
            certificates.append(Certificate.from_der(one))
        except MalformedError:
            unreadable += 1
    return tuple(certificates), unreadable


def _read_lists(crls: Iterable[bytes], at: datetime, budget: Budget) -> Lists:
    lists, unreadable = [], 0
    for one in crls:
        try:
            lists.append(RevocationList.from_der(one))
        except MalformedError:
            unreadable += 1
    return Lists(tuple(lists), unreadable, at, budget)


def validate_path(
    leaf_der: bytes,
    intermediates: Iterable[bytes],
    anchors: Iterable[bytes],
    *,
    at: datetime,
    crls: Iterable[bytes] | None = None,
    purpose: Purpose | None = None,
) -> ValidatedPath:
    """Validate a certificate for an instant: return the evidence, or raise what stands against it.

    Args:
        leaf_der: The certificate in question.
        intermediates: Certificates that may stand between; in any order, none believed. Unreadable ones are skipped.
        anchors: The pinned certificates. Their own signatures are not looked at.
        at: The instant, aware of its time zone.
        crls: Revocation lists. None: revocation is not looked at, and the caller must have other evidence. Any
            iterable, also an empty one: every certificate below the anchor needs a list that clears it. Lists
            are judged fresh at `at`: whoever asks about the past sees to it that they are not merely as old.
        purpose: What the key is about to be believed for; None leaves key usage and extended key usage alone.

    Raises:
        MalformedError: the leaf or an anchor cannot be read.
        RejectedError: the certificate is not to be believed.
        UndeterminedError: it cannot be told, because a list is missing, stale or not usable.
        ValueError: `at` has no time zone.
    """
    leaf = Certificate.from_der(leaf_der)
    pinned = tuple(Certificate.from_der(anchor) for anchor in anchors)
    others, unreadable = _read_what_reads(intermediates)
    at, budget = require_utc(at), Budget()
    lists = None if crls is None else _read_lists(crls, at, budget)
    try:
        return _Question(others, lists, at, budget).answer(leaf, pinned, purpose)
    except RejectedError as error:
        if unreadable and error.reason is Reason.CERTIFICATE_NO_PATH:
            detail = f"{error.detail} ({unreadable} of the certificates given cannot be read)"
            raise RejectedError(error.reason, detail) from error
        raise
