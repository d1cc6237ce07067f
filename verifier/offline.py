"""What a browser keeps to verify faces without a network: the window's verified holdings, in the fewest words.

    {"registry": {"version", "issued_at", "fresh_until"} | null,
     "regions": [{"code", "name", "name_en", "fresh_until", "keys": […], "status": {…} | null}],
     "policy": {"default": [registry, status], "types": {type: […]}}, "omitted": [region, …],
     "types": {code: [zh, en]}, "titles": {step: [zh, en]}, "flags": {flag: [zh, en]},
     "words": {reason: [sentence and remedy, Chinese and English]}, "advice": {…}}

Times are seconds after 1970, ages seconds. Everything in it was verified here; nothing in it is about a person: of a
licence it has the index in a list, where something was decided. Regions that do not fit are left out, and their
licences "cannot tell". `verifier/static/offline/` reads it.
"""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any, Final

from msgspec.json import encode

from ecert.errors import MalformedError, Reason, RejectedError, VerificationError
from ecert.licence.types import load_catalogue
from ecert.report import FLAG_TITLES, STEP_TITLES
from ecert.sm2 import sm3
from ecert.trust import EntryState, Role
from ecert.verification import Outcome
from ecert.wording import Wording, words
from verifier.advice import SCAN_AGAIN, advise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecert.revocation import RegionStatus, StatusPage, StatusView
    from ecert.trust import RegisteredKey, Registry
    from ecert.trust.members import Member, Region
    from ecert.trust.policy import Budget
    from ecert.x509 import Certificate
    from verifier.advice import Advice
    from verifier.keeper import Keeper

MAX_BUNDLE: Final = 16 * 1024 * 1024
"""The most bytes of regions in a browser's bundle."""
UNCHECKED: Final = "offline-unchecked"
"""The reason that only a page without its service has."""

_GROUP: Final = 7
_MORE: Final = 1 << _GROUP
_UNCHECKED: Final = Wording(
    "断网时本页只能核验照面码，这个码现在无法判断",
    "Without its service this page verifies the codes on licences alone: this one cannot be told now",
    "恢复连接后再扫一次；手机动态码请等恢复后由持证人重新出示",
    "Scan again when the connection is back; a phone's code has to be shown anew then",
)
_REASONS: Final = (
    Reason.OK, Reason.NOT_A_LICENCE_TEXT, Reason.TEXT_DAMAGED, Reason.TOO_LARGE, Reason.RECORD_MALFORMED,
    Reason.SIGNATURE_MALFORMED, Reason.REGISTRY_MISSING, Reason.REGISTRY_STALE, Reason.ISSUER_UNKNOWN, Reason.SEAL_BAD,
    Reason.ISSUER_NOT_ENTITLED, Reason.ISSUER_KEY_COMPROMISED, Reason.SEALED_IN_FUTURE, Reason.NOT_YET_IN_FORCE,
    Reason.EXPIRED, Reason.STATUS_MISSING, Reason.STATUS_NOT_COVERED, Reason.STATUS_STALE,
    Reason.STATUS_DETAILS_MISSING, Reason.INACTIVE, Reason.SUSPENDED, Reason.SUPERSEDED, Reason.TRANSFERRED,
    Reason.CANCELLED, Reason.WITHDRAWN, Reason.REVOKED, Reason.REGISTRY_TOO_OLD, Reason.STATUS_TOO_OLD,
    Reason.CLOCK_BEHIND,
)  # fmt: skip
"""Every reason of `assess` about a face, but those about certificates' paths."""
_PATHS: Final = ("CERTIFICATE_", "CRL_", "SIGNATURE_", "PUBLIC_KEY_", "DATA_")


def encode_bundle(registry: Registry | None, status: StatusView, limit: int = MAX_BUNDLE) -> bytes:
    """Return the bundle of what is held, as JSON, with at most `limit` bytes of regions."""
    regions, omitted = _fitting(registry, status, limit)
    content = {
        "registry": None if registry is None else _ages(registry) | {"version": registry.version},
        "regions": regions,
        "policy": _policy(registry),
        "omitted": omitted,
        "types": {code: [one.name, one.name_en] for code, one in load_catalogue().items()},
        "words": _words(),
        "advice": _advice(),
        "titles": STEP_TITLES,
        "flags": {flag.value: titles for flag, titles in FLAG_TITLES.items()},
    }
    return encode(content)


class BrowserBundle:
    """The bundle of what a keeper holds, made anew in a thread when that has changed and somebody asks."""

    def __init__(self, keeper: Keeper) -> None:
        """Make it of what `keeper` holds; nothing is made yet."""
        self._keeper = keeper
        self._made: tuple[Registry | None, StatusView, bytes, str] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def current(self) -> tuple[bytes, str]:
        """Return the bundle, and its entity tag."""
        async with self._one_at_a_time:
            held = self._keeper.holdings
            if self._made is None or self._made[0] is not held.registry or self._made[1] is not held.status:
                content = await asyncio.to_thread(encode_bundle, held.registry, held.status)
                self._made = held.registry, held.status, content, f'"{sm3(content).hex()[:32]}"'
            return self._made[2], self._made[3]


def _fitting(registry: Registry | None, status: StatusView, left: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the regions that fit, the small ones first, and the codes of those that do not."""
    if registry is None:
        return [], []
    keys: dict[str, list[RegisteredKey]] = {}
    for key in registry.keys():  # noqa: SIM118  (a registry is no mapping)
        keys.setdefault(key.region.code, []).append(key)
    made = [_region(registry, found[0].region, found, status) for found in keys.values()]
    sized = sorted(((len(encode(one)), one) for one in made), key=lambda pair: pair[0])
    fitting: list[dict[str, Any]] = []
    for size, one in sized:
        left -= size
        if left >= 0:
            fitting.append(one)
    return fitting, sorted(one["code"] for _, one in sized[len(fitting) :])


def _region(registry: Registry, region: Region, keys: Iterable[RegisteredKey], view: StatusView) -> dict[str, Any]:
    status = view.of(region.code)
    pages = [page for (code, _, _), page in view.pages.items() if code == region.code]
    return {
        "code": region.code,
        "name": region.name,
        "name_en": region.name_en,
        "fresh_until": region.fresh_until.timestamp(),
        "keys": [_key(registry, key) for key in keys],
        "status": None if status is None else _status(status, pages),
    }


def _key(registry: Registry, key: RegisteredKey) -> dict[str, Any]:
    stolen_at = registry.compromised_at(key)
    return {
        "id": key.public_key.key_id.hex(),
        "point": key.public_key.point[-64:].hex(),
        "issuer": key.member.role is Role.ISSUER,
        "code": key.member.code,
        "name": key.member.name,
        "name_en": key.member.name_en,
        "compromised_at": None if stolen_at is None else stolen_at.timestamp(),
        "certificates": [_certificate(registry, key, one) for one in key.certificates],
        "entries": [_entry(one) for one in key.entries],
    }


def _certificate(registry: Registry, key: RegisteredKey, certificate: Certificate) -> dict[str, Any]:
    period = {"not_before": certificate.not_before.timestamp(), "not_after": certificate.not_after.timestamp()}
    try:
        path = registry.path_of(key, certificate)
    except (VerificationError, MalformedError) as error:
        result = "fail" if isinstance(error, RejectedError | MalformedError) else "unknown"
        return period | {"path": {"problem": [result, error.reason.value]}}
    found = {"not_before": path.not_before.timestamp(), "not_after": path.not_after.timestamp()}
    return period | {"path": found | {"revoked": [one.at.timestamp() for one in path.revocations]}}


def _entry(entry: Member) -> dict[str, Any]:
    return {
        "grants": [
            [one.type_code, one.since.timestamp(), None if one.until is None else one.until.timestamp()]
            for one in entry.grants
        ],
        "history": [[one.since.timestamp(), one.state is EntryState.ACTIVE] for one in entry.history],
    }


def _status(status: RegionStatus, pages: Iterable[StatusPage]) -> dict[str, Any]:
    return {
        **_ages(status),
        "sequence": status.sequence,
        "lists": [
            {"key": key_id.hex(), "number": number, "covered": one.covered, "marks": _pack(one.marks.items())}
            for (key_id, number), one in status.lists.items()
        ],
        "pages": [_page(one) for one in pages],
    }


def _page(page: StatusPage) -> dict[str, Any]:
    return {
        "key": page.key_id.hex(),
        "number": page.number,
        "page": page.page,
        "sequence": page.sequence,
        "issued_at": page.issued_at.timestamp(),
        "events": {
            str(index): [
                [one.state.value, one.since.timestamp(), None if one.until is None else one.until.timestamp()]
                for one in events
            ]
            for index, events in page.events.items()
        },
    }


def _pack(marks: Iterable[tuple[int, int]]) -> str:
    """Write (index, mark) pairs in order: the distance from the one before in groups of seven bits, and the mark."""
    out = bytearray()
    before = -1
    for index, mark in marks:
        distance, before = index - before, index
        while distance >= _MORE:
            out.append(distance & (_MORE - 1) | _MORE)
            distance >>= _GROUP
        out += bytes((distance, mark))
    return base64.b64encode(out).decode("ascii")


def _ages(evidence: Registry | RegionStatus) -> dict[str, float]:
    return {"issued_at": evidence.issued_at.timestamp(), "fresh_until": evidence.fresh_until.timestamp()}


def _policy(registry: Registry | None) -> dict[str, Any]:
    if registry is None:
        return {"default": [None, None], "types": {}}
    types = {code: _budget(one) for code, one in registry.policy.types.items()}
    return {"default": _budget(registry.policy.default), "types": types}


def _budget(budget: Budget) -> list[float | None]:
    return [None if age is None else age.total_seconds() for age in (budget.registry, budget.status)]


def _words() -> dict[str, list[str]]:
    """Return the words for every reason that the page may come to."""
    said = {reason.value: words(reason) for reason in Reason if reason in _REASONS or reason.name.startswith(_PATHS)}
    said[UNCHECKED] = _UNCHECKED
    return {code: [one.zh, one.en, one.remedy_zh, one.remedy_en] for code, one in said.items()}


def _advice() -> dict[str, dict[str, Any]]:
    """Return what to say and do: of an invalid licence by its reason, where there is no better word by its outcome."""
    invalid = {reason.value: _told(advise(Outcome.INVALID, reason)) for reason in _REASONS}
    valid, unsure = (_told(advise(one, Reason.OK)) for one in (Outcome.VALID, Outcome.UNDETERMINED))
    other = _told(advise(Outcome.INVALID, Reason.RECORD_MALFORMED))
    again = _told(SCAN_AGAIN)
    return {"valid": valid, "undetermined": unsure, "unread": again, "invalid": other, "by_reason": invalid}


def _told(advice: Advice) -> dict[str, Any]:
    return {"say": [advice.zh, advice.en], "steps": advice.steps}
