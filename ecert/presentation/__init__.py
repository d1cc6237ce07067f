"""Showing licences: codes, showings, consent, grants, what is masked, and the record of every use."""

from ecert.presentation.auth_code import AuthCode, Binding
from ecert.presentation.codes import CodeKind, DynamicCode, read_code
from ecert.presentation.consent import Answer, Consent, Request, Requester, Use, Wanted
from ecert.presentation.grants import (
    CounterConsent,
    CounterForm,
    Grant,
    Ground,
    bind,
    grant_at_counter,
    grant_by_law,
    grant_by_phone,
    grant_by_showing,
)
from ecert.presentation.legal_basis import LegalBases, LegalBasis
from ecert.presentation.showing import COUNTER_PURPOSE, LIFETIME, MEMORY, Offer, ShownLicence, Taking, redeem
from ecert.presentation.uses import LicenceUse, Way, use_json, use_terms
from ecert.presentation.views import ShownItem, show, with_kind

__all__ = [
    "COUNTER_PURPOSE",
    "LIFETIME",
    "MEMORY",
    "Answer",
    "AuthCode",
    "Binding",
    "CodeKind",
    "Consent",
    "CounterConsent",
    "CounterForm",
    "DynamicCode",
    "Grant",
    "Ground",
    "LegalBases",
    "LegalBasis",
    "LicenceUse",
    "Offer",
    "Request",
    "Requester",
    "ShownItem",
    "ShownLicence",
    "Taking",
    "Use",
    "Wanted",
    "Way",
    "bind",
    "grant_at_counter",
    "grant_by_law",
    "grant_by_phone",
    "grant_by_showing",
    "read_code",
    "redeem",
    "show",
    "use_json",
    "use_terms",
    "with_kind",
]
