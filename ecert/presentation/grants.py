"""Grants: the right of one body to use one licence for one purpose, and what the right rests on.

Three grounds. The holder consented on the phone, or showed the licence on it; the holder consented at the counter, on
paper or in handwriting, which is kept; or the law lets this unit see such licences in this matter (依职能), and the
basis is registered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.errors import Reason, RejectedError
from ecert.presentation.auth_code import AuthCode, Binding
from ecert.presentation.reading import malformed, require_names, require_seconds, require_text
from ecert.presentation.showing import COUNTER_PURPOSE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ecert.licence.identifier import Identifier
    from ecert.presentation.consent import Consent, Requester, Use
    from ecert.presentation.legal_basis import LegalBasis
    from ecert.presentation.showing import Offer

_MAX_EVIDENCE: Final = 256
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Ground(StrEnum):
    """What a grant rests on. Stored and put on the wire: append, never rename."""

    PHONE = "phone"
    COUNTER = "counter"
    LAW = "law"


class CounterForm(StrEnum):
    """How a holder without a phone consents. Stored: append, never rename."""

    PAPER = "paper"
    HANDWRITING = "handwriting"


@dataclass(frozen=True, slots=True)
class Grant:
    """One right to use.

    Attributes:
        code: Its auth code (用证码).
        binding: Who may use which licence, in which matter, for what.
        fields: What may be read, names in ascending order.
        operator: Who asked for it, by identifier.
        ground: What it rests on.
        evidence: The showing or the request; the form of consent and the SM3 of what was signed; or law and article.
        since: From when, aware UTC, whole seconds.
        until: The first instant it no longer holds.
    """

    code: AuthCode
    binding: Binding
    fields: tuple[str, ...]
    operator: str
    ground: Ground
    evidence: str
    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        """Refuse a grant whose code is another's."""
        require_names(self.fields, "the fields granted")
        require_text(self.evidence, _MAX_EVIDENCE, "the evidence")
        require_seconds(self.since, self.until)
        if not self.code.is_for(self.binding):
            raise malformed("the auth code is bound to something else")
        if self.since >= self.until:
            raise malformed("a grant ends after it begins")

    def require(self, binding: Binding, fields: tuple[str, ...], at: datetime) -> None:
        """Require that the grant covers a use.

        Raises:
            RejectedError: GRANT_MISMATCH, it was given for something else; GRANT_EXPIRED, it no longer holds.
        """
        for name in ("requester", "licence", "item_code", "purpose"):
            if getattr(binding, name) != getattr(self.binding, name):
                raise RejectedError(Reason.GRANT_MISMATCH, f"it was given for another {name.replace('_', ' ')}")
        beyond = sorted(set(fields) - set(self.fields))
        if beyond:
            raise RejectedError(Reason.GRANT_MISMATCH, f"it does not cover {', '.join(beyond)}")
        if not self.since <= at < self.until:
            raise RejectedError(Reason.GRANT_EXPIRED, f"it holds from {self.since:%F %T}Z until {self.until:%F %T}Z")


@dataclass(frozen=True, slots=True)
class CounterConsent:
    """The consent of somebody without a phone, as the window keeps it.

    Attributes:
        form: On paper, or in handwriting on a screen.
        evidence: SM3 of the scanned paper or of the strokes, in hexadecimal.
        until: The first instant it no longer holds, aware UTC, whole seconds.
    """

    form: CounterForm
    evidence: str
    until: datetime

    def __post_init__(self) -> None:
        """Refuse consent of which nothing was kept."""
        if not _DIGEST.fullmatch(self.evidence):
            raise malformed("the evidence of consent is not an SM3 digest in hexadecimal")


def bind(requester: Requester, use: Use, licence: Identifier) -> Binding:
    """Return what a grant to a requester, for one use of one licence, is bound to."""
    return Binding(requester.code, licence, use.item_code, use.purpose)


def grant_by_phone(consent: Consent, licence: Identifier, entropy: Callable[[int], bytes], at: datetime) -> Grant:
    """Make the grant of a licence out of a holder's consent on the phone.

    Args:
        consent: The answered request.
        licence: One that the holder chose, of a type that was asked for.
        entropy: Returns that many fresh random bytes.
        at: Now, aware UTC, whole seconds.

    Raises:
        RejectedError: CONSENT_MISSING, CONSENT_REFUSED, CONSENT_LAPSED; or GRANT_MISMATCH, this type was not asked for.
    """
    consent.require_granted(at)
    request = consent.request
    binding = bind(request.requester, request.use, licence)
    return Grant(
        code=AuthCode.draw(binding, entropy),
        binding=binding,
        fields=request.fields_of(licence.type_code),
        operator=request.requester.operator,
        ground=Ground.PHONE,
        evidence=f"request:{request.id}",
        since=at,
        until=request.until,
    )


def grant_by_showing(
    binding: Binding,
    offer: Offer,
    key: bytes,
    *,
    operator: str,
    entropy: Callable[[int], bytes],
    at: datetime,
    until: datetime,
) -> Grant:
    """Make the grant of a licence that its holder showed to this window: showing it was the consent.

    Args:
        binding: What the window uses the licence for.
        offer: What `redeem` returned.
        key: The dynamic code's key, 32 bytes: names the showing.
        operator: The clerk.
        entropy: Returns that many fresh random bytes.
        at: Now, aware UTC, whole seconds.
        until: The first instant it no longer holds.

    A showing for `COUNTER_PURPOSE` is narrowed to the one use that the window names; any other purpose is the window's.

    Raises:
        RejectedError: GRANT_MISMATCH; the licence was not shown, or for another purpose.
    """
    shown = next((one for one in offer.licences if one.identifier == binding.licence), None)
    if shown is None:
        raise RejectedError(Reason.GRANT_MISMATCH, "the holder did not show this version of this licence")
    if offer.purpose not in (binding.purpose, COUNTER_PURPOSE):
        raise RejectedError(Reason.GRANT_MISMATCH, f"the holder showed it for another purpose: {offer.purpose}")
    return Grant(
        code=AuthCode.draw(binding, entropy),
        binding=binding,
        fields=shown.fields,
        operator=operator,
        ground=Ground.PHONE,
        evidence=f"showing:{key.hex()}",
        since=at,
        until=until,
    )


def grant_at_counter(
    binding: Binding,
    fields: tuple[str, ...],
    consent: CounterConsent,
    *,
    operator: str,
    entropy: Callable[[int], bytes],
    at: datetime,
) -> Grant:
    """Make the grant of a licence out of consent that was recorded at the counter.

    Raises:
        MalformedError: DATA_MALFORMED; the consent does not reach beyond `at`.
    """
    return Grant(
        code=AuthCode.draw(binding, entropy),
        binding=binding,
        fields=fields,
        operator=operator,
        ground=Ground.COUNTER,
        evidence=f"{consent.form}:{consent.evidence}",
        since=at,
        until=consent.until,
    )


def grant_by_law(
    binding: Binding,
    basis: LegalBasis,
    *,
    operator: str,
    entropy: Callable[[int], bytes],
    at: datetime,
    until: datetime,
) -> Grant:
    """Make the grant of a licence out of a registered legal basis (依职能); the holder is not asked, and sees the use.

    Raises:
        RejectedError: LEGAL_BASIS_MISSING; the basis is another unit's, another matter's or another type's, or was not
            in force.
    """
    basis.require(binding.requester, binding.item_code, binding.licence.type_code, at)
    return Grant(
        code=AuthCode.draw(binding, entropy),
        binding=binding,
        fields=basis.fields,
        operator=operator,
        ground=Ground.LAW,
        evidence=basis.text,
        since=at,
        until=until,
    )
