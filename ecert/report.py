"""A verdict as JSON and as words for a person at a window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ecert.errors import NotFoundError
from ecert.licence.masking import mask_name
from ecert.licence.record import Record
from ecert.licence.types import find_type
from ecert.licence.validity import CHINA
from ecert.revocation import Flag
from ecert.verification import Outcome, Result, Verdict
from ecert.wording import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecert.licence.face import Face
    from ecert.licence.fields import FieldValue
    from ecert.revocation import RegionStatus, StatusAnswer, StatusEvent
    from ecert.trust import RegisteredKey, Registry

STEP_TITLES: Final = {
    "format": ("格式规范", "the bytes are one sealed record in canonical form"),
    "registry": ("信任名录在手且未过时", "a trust registry is held, and fresh"),
    "issuer-key": ("签章密钥在名录中", "the key id names a key in it"),
    "seal": ("签章与内容相符", "the seal covers exactly these bytes"),
    "content": ("内容可解析", "the content decodes canonically"),
    "fields": ("字段未被改动", "every disclosed field is the one sealed"),
    "entitlement": ("签章时颁发机构有权颁发", "the issuer is the key's owner, and was entitled"),
    "certificate": ("签章时证书有效", "the issuer's certificate was valid at sealing"),
    "validity": ("在有效期内", "the licence is in force"),
    "status-list": ("状态名录在手且未过时", "a status list that covers it is held, and fresh"),
    "status": ("未被吊销、注销、暂扣", "it is not revoked, cancelled, suspended, ..."),
    "freshness": ("名录与状态足够新", "what is held is as new as the policy asks"),
}
FLAG_TITLES: Final = {
    Flag.PARENT_CHANGED: ("关联证照已变更", "a licence it depends on has changed"),
    Flag.UNDER_DISPUTE: ("异议处理中", "an objection is being handled"),
}
MARKS: Final = {Result.PASS: "✓", Result.FAIL: "✗", Result.UNKNOWN: "?", Result.SKIPPED: "-"}
HEADINGS: Final = {
    Outcome.VALID: "✓ 有效 VALID",
    Outcome.INVALID: "✗ 无效 INVALID",
    Outcome.UNDETERMINED: "? 无法判断 CANNOT TELL",
}


def timestamp(instant: datetime) -> str:
    """Return an instant in RFC 3339, UTC, whole seconds."""
    return instant.astimezone(UTC).isoformat("T", "seconds").removesuffix("+00:00") + "Z"


def local_time(instant: datetime) -> str:
    """Return an instant as people in China read it."""
    return instant.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return the JSON object of a verdict. Personal data in it is masked."""
    said = words(verdict.reason)
    return {
        "outcome": verdict.outcome.value,
        "reason": verdict.reason.value,
        "sentence": said.zh,
        "sentence_en": said.en,
        "remedy": said.remedy_zh,
        "remedy_en": said.remedy_en,
        "checked_at": timestamp(verdict.at),
        "freshness": _freshness(verdict),
        "flags": [{"code": flag_code(f), "title": zh, "title_en": en} for f, (zh, en) in flags_of(verdict)],
        "checks": [
            {
                "number": check.number,
                "name": check.name,
                "result": str(check.result),  # a third of what `value` takes, 24 times a verdict
                "code": str(check.code),
                "detail": check.detail,
            }
            for check in verdict.checks
        ],
        "licence": _licence(verdict),
    }


def flag_code(flag: Flag) -> str:
    """Return a flag's stable code, e.g. `parent-changed`."""
    return str(flag.name).lower().replace("_", "-")


def flags_of(verdict: Verdict) -> list[tuple[Flag, tuple[str, str]]]:
    """Return the flags a verdict carries, with their words in Chinese and English."""
    return [(flag, titles) for flag, titles in FLAG_TITLES.items() if flag in verdict.flags]


def _freshness(verdict: Verdict) -> dict[str, Any]:
    return {
        "registry": _age(verdict.registry, "version", verdict.now),
        "status": _age(verdict.status, "sequence", verdict.now),
    }


def _age(evidence: Registry | RegionStatus | None, counter: str, now: datetime) -> dict[str, Any] | None:
    if evidence is None:
        return None
    return {
        counter: getattr(evidence, counter),
        "issued_at": timestamp(evidence.issued_at),
        "fresh_until": timestamp(evidence.fresh_until),
        "age_seconds": max(0, int((now - evidence.issued_at).total_seconds())),
        "fresh": evidence.is_fresh(now),
    }


def _status_event(event: StatusEvent | None) -> dict[str, Any] | None:
    if event is None:
        return None
    return {
        "state": event.state.name.lower(),
        "since": timestamp(event.since),
        "until": timestamp(event.until) if event.until else None,
        "reason_code": event.reason_code.value,
        "reason": event.reason,
        "legal_basis": event.legal_basis,
        "document": event.document,
        "decided_at": timestamp(event.decided_at),
    }


def answer_json(answer: StatusAnswer) -> dict[str, Any]:
    """Return the JSON object of a signed answer about a licence's state at some time."""
    return {
        "identifier": answer.identifier,
        "asked_at": timestamp(answer.asked_at),
        "state": answer.state.name.lower(),
        "event": _status_event(answer.event),
        "region": answer.region,
        "sequence": answer.sequence,
        "known_at": timestamp(answer.known_at),
        "answered_at": timestamp(answer.answered_at),
    }


def _licence(verdict: Verdict) -> dict[str, Any] | None:
    if verdict.content is None or verdict.key is None:
        return None
    content = verdict.content
    return {
        "kind": "record" if isinstance(content, Record) else "face",
        "identifier": content.identifier.text,
        "type": describe_type(content.identifier.type_code),
        "issuer": _issuer(verdict.key),
        "holder_name": holder_name(content, verdict.fields),
        "sealed_at": timestamp(content.sealed_at),
        "valid_from": content.validity.start.isoformat(),
        "valid_to": content.validity.end.isoformat() if content.validity.end else None,
        "fields_disclosed": sorted(verdict.fields),
        "status_event": _status_event(verdict.event),
    }


def describe_type(code: str) -> dict[str, str | None]:
    """Return a licence type's code and names; names are None for a type this program does not ship."""
    try:
        definition = find_type(code)
    except NotFoundError:
        return {"code": code, "name": None, "name_en": None}
    return {"code": code, "name": definition.name, "name_en": definition.name_en}


def _issuer(key: RegisteredKey) -> dict[str, str]:
    return {
        "code": key.member.code,
        "name": key.member.name,
        "name_en": key.member.name_en,
        "region": key.region.code,
        "region_name": key.region.name,
        "region_name_en": key.region.name_en,
        "key_id": key.public_key.key_id.hex(),
    }


def holder_name(content: Face | Record, fields: Mapping[str, FieldValue]) -> str | None:
    """Return the name as it may be shown: of a record, a natural person's is masked, and one of an unknown type."""
    if not isinstance(content, Record):
        return content.holder_name
    name = fields.get("certificateHolderName")
    if name is None:
        return None
    try:
        definition = find_type(content.identifier.type_code)
    except NotFoundError:
        return mask_name(str(name))
    code_type = str(fields.get("certificateHolderTypeCode", definition.holder_code_types[0]))
    return mask_name(str(name)) if definition.masks_name(code_type) else str(name)


def verdict_text(verdict: Verdict) -> str:
    """Return a verdict as a person reads it: the sentence first, the numbered checks last."""
    said = words(verdict.reason)
    lines = [f"{HEADINGS[verdict.outcome]}", f"  {said.zh}。{said.en}.", f"  → {said.remedy_zh}。{said.remedy_en}."]
    lines += [
        *licence_lines(verdict),
        "",
        f"  核验时间 checked at  {local_time(verdict.at)}",
        *freshness_lines(verdict),
        "",
    ]
    for check in verdict.checks:
        title, title_en = STEP_TITLES[check.name]
        code = "" if check.result in (Result.PASS, Result.SKIPPED) else f"  [{check.code.value}] {check.detail}"
        lines.append(f"  {MARKS[check.result]} {check.number:2} {title} {title_en}{code}")
    return "\n".join(lines)


def licence_lines(verdict: Verdict) -> list[str]:
    """Return what a person is told of the licence itself; nothing before its seal was verified."""
    licence = _licence(verdict)
    if licence is None:
        return []
    validity = f"{licence['valid_from']} 至 {licence['valid_to'] or '长期'}"
    return [
        "",
        f"  证照 licence   {_type_name(licence['type'])}",
        f"  标识 number    {licence['identifier']}",
        f"  持证 holder    {licence['holder_name'] or '(未披露 not disclosed)'}",
        f"  颁发 issuer    {licence['issuer']['name']} ({licence['issuer']['region_name']})",
        f"  有效 validity  {validity}",
        *(f"  注意 note      {zh} {en}" for _, (zh, en) in flags_of(verdict)),
    ]


def _type_name(described: dict[str, str | None]) -> str:
    return f"{described['name']} {described['name_en']}" if described["name"] else str(described["code"])


def freshness_lines(verdict: Verdict) -> list[str]:
    """Return as of when the evidence speaks."""
    lines = []
    for title, evidence in (("名录截至 registry as of", verdict.registry), ("状态截至 status as of", verdict.status)):
        if evidence is not None:
            stale = "" if evidence.is_fresh(verdict.now) else "  (已过时 stale)"
            lines.append(f"  {title}  {local_time(evidence.issued_at)}{stale}")
    return lines
