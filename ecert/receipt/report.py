"""A verdict on a receipt as JSON and as words for whoever opens the file of a case, years later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ecert.errors import Reason
from ecert.licence.identifier import parse_identifier
from ecert.presentation.uses import GROUND_TITLES, WAY_TITLES
from ecert.report import FLAG_TITLES, HEADINGS, MARKS, describe_type, flag_code, local_time, timestamp
from ecert.verification import Outcome, Result
from ecert.wording import Wording, words

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.receipt.content import Receipt
    from ecert.receipt.seen import Known, SeenLicence
    from ecert.receipt.verification import ReceiptVerdict

STEP_TITLES: Final = {
    "format": ("格式规范", "the bytes are one receipt in canonical form"),
    "signed": ("已签名", "it is signed"),
    "registry": ("信任名录在手且未过时", "a trust registry is held, and fresh"),
    "signer-key": ("签名密钥在名录中", "the key id names a key in it"),
    "signature": ("签名与内容相符", "the signature covers exactly these bytes"),
    "content": ("内容可解析", "the content decodes canonically"),
    "signer": ("由所称用证单位签名", "it is signed by the relying body it names"),
    "certificate": ("签名时证书有效", "the certificate was valid at signing"),
    "time": ("时间合理", "it is not from the future"),
}
_GENUINE: Final = Wording(
    "核验凭据属实", "The receipt is genuine", "可作为当时核验情况的证据", "It proves what was verified then"
)


def words_of(verdict: ReceiptVerdict) -> Wording:
    """Return the words for a verdict's reason."""
    return _GENUINE if verdict.reason is Reason.OK else words(verdict.reason)


def receipt_verdict_json(verdict: ReceiptVerdict) -> dict[str, Any]:
    """Return the JSON object of a verdict on a receipt."""
    said = words_of(verdict)
    return {
        "kind": "receipt",
        "outcome": verdict.outcome.value,
        "reason": verdict.reason.value,
        "sentence": said.zh,
        "sentence_en": said.en,
        "remedy": said.remedy_zh,
        "remedy_en": said.remedy_en,
        "checked_at": timestamp(verdict.now),
        "signed": verdict.signed_at is not None,
        "signed_at": None if verdict.signed_at is None else timestamp(verdict.signed_at),
        "signer": None if verdict.key is None else {"code": verdict.key.member.code, "name": verdict.key.member.name},
        "checks": [
            {
                "number": one.number,
                "name": one.name,
                "result": one.result.value,
                "code": one.code.value,
                "detail": one.detail,
            }
            for one in verdict.checks
        ],
        "receipt": None if verdict.receipt is None else receipt_json(verdict.receipt),
    }


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """Return the JSON object of what a receipt says; nothing in it is verified by that."""
    place, case = receipt.place, receipt.case
    return {
        "number": receipt.number,
        "made_at": timestamp(receipt.made_at),
        "unit": {"code": place.unit, "name": place.name, "region": place.region},
        "window": place.window,
        "operator": place.operator,
        "case": None if case is None else {"item_code": case.item_code, "matter": case.matter, "number": case.number},
        "applicant": receipt.applicant or None,
        "licences": [_licence_json(one) for one in receipt.licences],
        "materials": [{"code": code, "way": way} for code, way in receipt.materials],
    }


def _licence_json(seen: SeenLicence) -> dict[str, Any]:
    permission = seen.permission
    return {
        "shape": seen.shape.value,
        "digest": seen.digest.hex(),
        "identifier": seen.identifier or None,
        "type": _type_of(seen),
        "issuer": seen.issuer or None,
        "key_id": seen.key_id.hex() or None,
        "holder_name": seen.holder or None,
        "outcome": seen.outcome.value,
        "reason": seen.reason.value,
        "checked_at": timestamp(seen.checked_at),
        "registry": _known(seen.registry, "version", seen.checked_at),
        "status": _known(seen.status, "sequence", seen.checked_at),
        "flags": [flag_code(flag) for flag in FLAG_TITLES if flag in seen.flags],
        "fields": list(seen.fields),
        "way": seen.way.value,
        "permission": None
        if permission is None
        else {
            "ground": permission.ground.value,
            "evidence": permission.evidence,
            "auth_code": permission.auth_code,
        },
        "copy_digest": seen.copy.hex() or None,
    }


def _type_of(seen: SeenLicence) -> dict[str, str | None] | None:
    return describe_type(parse_identifier(seen.identifier).type_code) if seen.identifier else None


def _known(known: Known | None, counter: str, checked_at: datetime) -> dict[str, Any] | None:
    if known is None:
        return None
    told = {
        counter: known.number,
        "issued_at": timestamp(known.issued_at),
        "age_seconds": max(0, int((checked_at - known.issued_at).total_seconds())),
    }
    return {"region": known.region, **told} if known.region else told


def receipt_verdict_text(verdict: ReceiptVerdict) -> str:
    """Return a verdict as a person reads it: the sentence first, the numbered checks last."""
    said = words_of(verdict)
    heading = "✓ 属实 GENUINE" if verdict.outcome is Outcome.VALID else HEADINGS[verdict.outcome]
    lines = [heading, f"  {said.zh}。{said.en}.", f"  → {said.remedy_zh}。{said.remedy_en}."]
    if verdict.receipt is not None:
        lines += ["", *_receipt_lines(verdict.receipt)]
        lines.append(f"  签名时间 signed      {_signed(verdict)}")
    lines += [f"  核验时间 checked at  {local_time(verdict.now)}", ""]
    for check in verdict.checks:
        title, title_en = STEP_TITLES[check.name]
        code = "" if check.result in (Result.PASS, Result.SKIPPED) else f"  [{check.code.value}] {check.detail}"
        lines.append(f"  {MARKS[check.result]} {check.number:2} {title} {title_en}{code}")
    return "\n".join(lines)


def _signed(verdict: ReceiptVerdict) -> str:
    return "尚未签名 not signed" if verdict.signed_at is None else local_time(verdict.signed_at)


def _receipt_lines(receipt: Receipt) -> list[str]:
    place, case = receipt.place, receipt.case
    lines = [
        f"  凭据号 receipt       {receipt.number}",
        f"  出具单位 unit        {place.name} ({place.unit})，{place.window}，{place.operator}",
        f"  出具时间 made        {local_time(receipt.made_at)}",
    ]
    if case is not None:
        lines.append(f"  事项 matter          {case.matter} ({case.item_code})，{case.number}")
    if receipt.applicant:
        lines.append(f"  申请人 applicant     {receipt.applicant}")
    for seen in receipt.licences:
        lines += _licence_lines(seen)
    return lines


def _licence_lines(seen: SeenLicence) -> list[str]:
    type_of = _type_of(seen)
    name = None if type_of is None else type_of["name"]
    way, way_en = WAY_TITLES[seen.way]
    lines = [
        f"  · {name or '证照 licence'} {seen.identifier or '(无法识别 not recognised)'}",
        f"      {HEADINGS[seen.outcome]}：{words(seen.reason).zh} {words(seen.reason).en}",
        f"      {way} {way_en}；{local_time(seen.checked_at)}{_ages(seen)}",
    ]
    if seen.permission is not None:
        ground, ground_en = GROUND_TITLES[seen.permission.ground]
        lines.append(f"      {ground} {ground_en}：{seen.permission.evidence}，用证码 {seen.permission.auth_code}")
    return lines


def _ages(seen: SeenLicence) -> str:
    told = (("名录 registry", seen.registry), ("状态 status", seen.status))
    ages = [
        f"{title} {one.number} ({max(0, int((seen.checked_at - one.issued_at).total_seconds()))} 秒前 s before)"
        for title, one in told
        if one is not None
    ]
    return "".join(f"；{age}" for age in ages)
