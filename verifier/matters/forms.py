"""What the pages' forms carry, read strictly into values. Every complaint says which entry it is about."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import UploadFile

from ecert.cli.pixels import require_drawn
from ecert.errors import EcertError, MalformedError, Reason
from ecert.licence.codes import CITIZEN_ID_TYPE, CREDIT_CODE_TYPE, HOLDER_CODE_TYPES, check_text, parse_date
from ecert.licence.validity import china_day
from ecert.matter import Declared, Identified, Person, Reference, Settled
from ecert.presentation import CounterConsent, CounterForm
from ecert.sm2 import sm3
from verifier.matters.card_reader import read_card
from verifier.matters.follow_ups import Finding, Found

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from ecert.matter import Material

CONSENT_LASTS: Final = timedelta(days=1)
"""How long consent at the counter holds: for the case at hand."""

MAX_HANDWRITING: Final = 512 * 1024
"""The largest picture of handwriting in bytes."""

_MAX_TEXT: Final = 128
_PNG: Final = b"\x89PNG\r\n"


class FormError(EcertError):
    """An entry is missing or wrong.

    Attributes:
        what: The entry, as the page calls it.
    """

    def __init__(self, what: str) -> None:
        """Say which entry it is."""
        super().__init__(Reason.FORM_INCOMPLETE, what)
        self.what = what


def text_of(form: Mapping[str, Any], name: str, what: str) -> str:
    """Return a text of 1 to 128 visible characters.

    Raises:
        FormError: it is something else.
    """
    value = form.get(name)
    text = value.strip() if isinstance(value, str) else ""
    if check_text(text, _MAX_TEXT):
        raise FormError(what)
    return text


def read_applicant(form: Mapping[str, Any], at: datetime) -> tuple[Person, Person | None]:
    """Return the applicant, and whoever acts for the applicant, by what was typed or what a card reader wrote.

    Raises:
        FormError: an entry is missing or wrong.
        EcertError: what the card reader wrote is not good.
    """
    return _person(form, "applicant", "申请人 applicant", at), read_agent(form, at)


def read_agent(form: Mapping[str, Any], at: datetime) -> Person | None:
    """Return whoever acts for the applicant, if anybody was named.

    Raises:
        FormError: an entry is missing or wrong.
        EcertError: what the card reader wrote is not good.
    """
    return _person(form, "agent", "经办人 agent", at) if names_agent(form) else None


def names_agent(form: Mapping[str, Any]) -> bool:
    """Tell whether anything was entered of who acts for the applicant."""
    return any(form.get(f"agent-{entry}") for entry in ("card", "name", "code"))


def _person(form: Mapping[str, Any], prefix: str, what: str, at: datetime) -> Person:
    card = form.get(f"{prefix}-card")
    if isinstance(card, str) and card.strip():
        return read_card(card, china_day(at))
    name, code = text_of(form, f"{prefix}-name", f"{what}：姓名或名称 name"), text_of(form, f"{prefix}-code", what)
    kind = form.get(f"{prefix}-type")
    if kind not in HOLDER_CODE_TYPES:
        raise FormError(what)
    try:
        code = code.upper() if kind in (CREDIT_CODE_TYPE, CITIZEN_ID_TYPE) else code
        return Person(name, code, str(kind), Identified.TYPED)
    except MalformedError:
        raise FormError(f"{what}：号码 number") from None


async def read_consent(form: Mapping[str, Any], at: datetime) -> tuple[CounterConsent, bytes]:
    """Return the consent whose scan was handed in, and what was written on the screen for it.

    Raises:
        FormError: there is none, or handwriting that is no picture.
    """
    form_of, scan = form.get("form"), await _upload(form.get("scan"))
    if form_of not in set(CounterForm) or scan is None:
        raise FormError("授权书扫描件或手写签名 scan of the consent, or handwriting")
    handwritten = form_of == CounterForm.HANDWRITING
    if handwritten:
        await asyncio.to_thread(_require_handwriting, scan)
    return CounterConsent(CounterForm(form_of), sm3(scan).hex(), at + CONSENT_LASTS), scan if handwritten else b""


def _require_handwriting(scan: bytes) -> None:
    unfit = FormError("手写签名须为写有签名的 PNG 图片 handwriting is a PNG picture, not a blank one")
    if not scan.startswith(_PNG) or len(scan) > MAX_HANDWRITING:
        raise unfit
    try:
        require_drawn(scan)
    except MalformedError:
        raise unfit from None


async def _upload(value: object) -> bytes | None:
    if not isinstance(value, UploadFile) or not value.size:
        return None
    return await value.read()


async def declare(declared: Declared, material: Material, form: Mapping[str, Any], at: datetime) -> Declared:
    """Return what is declared after a form for one material was sent.

    Raises:
        FormError: an entry is missing or wrong.
    """
    code = material.code
    match form.get("way"):
        case Settled.SHARED:
            made = replace(declared, shared={**declared.shared, code: _reference(form, at)})
        case Settled.ISSUED_ONLINE:
            made = replace(declared, issued={**declared.issued, code: _reference(form, at)})
        case Settled.REUSED:
            made = replace(declared, earlier={**declared.earlier, code: _reference(form, at)})
        case Settled.PROMISED:
            made = replace(declared, promises={**declared.promises, code: await _signed_promise(form)})
        case Settled.DEFERRED:
            made = replace(declared, deferred=declared.deferred | {code})
        case Settled.PAPER:
            made = replace(declared, paper={**declared.paper, code: text_of(form, "note", "纸质材料 paper")})
        case "same-person":
            note = text_of(form, "note", "同一主体的依据 why it is the same holder")
            made = replace(declared, same_person={**declared.same_person, code: note})
        case "undo":
            made = declared.without(code)
        case _:
            raise FormError("免交方式 way")
    return made


async def _signed_promise(form: Mapping[str, Any]) -> str:
    signed = await _upload(form.get("scan"))
    if signed is None:
        raise FormError("承诺书扫描件 scan of the signed promise")
    return sm3(signed).hex()


def read_finding(form: Mapping[str, Any], operator: str, at: datetime) -> Finding:
    """Return what a clerk notes of a material that followed, or of a promise that was checked.

    Raises:
        FormError: an entry is missing or wrong.
    """
    found = form.get("found")
    if found not in set(Found):
        raise FormError("结果 outcome")
    note = text_of(form, "note", "收到的材料或核查情况 what was handed in, or found")
    return Finding(Found(found), at, operator, note)


def read_day(form: Mapping[str, Any], name: str, what: str) -> date | None:
    """Return a day; None where none was chosen.

    Raises:
        FormError: it is none.
    """
    value = form.get(name)
    if not value:
        return None
    try:
        return parse_date(str(value))
    except MalformedError:
        raise FormError(what) from None


def _reference(form: Mapping[str, Any], at: datetime) -> Reference:
    source, number = text_of(form, "source", "来源 source"), text_of(form, "number", "编号 number")
    return Reference(source, number, read_day(form, "on", "日期 date") or china_day(at))
