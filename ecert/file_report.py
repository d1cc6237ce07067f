"""A verdict on a file as JSON and as words for a person at a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ecert.errors import Reason
from ecert.ofd.report import FileCheck
from ecert.report import HEADINGS, freshness_lines, licence_lines, local_time, timestamp, verdict_json
from ecert.seal import Check, Outcome
from ecert.verification.licence_checks import LicenceCheck
from ecert.wording import words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

    from ecert.errors import EcertError
    from ecert.ofd.copies import CopyNote
    from ecert.ofd.report import SignatureReport
    from ecert.seal import Finding, Seal
    from ecert.verification.files import FileVerdict

CHECK_TITLES: Final[dict[StrEnum, tuple[str, str]]] = {
    FileCheck.ZIP_SAFE: ("文件包安全完整", "the package is safe, and every reader sees the same parts"),
    FileCheck.SIG_LIST: ("有签名且可读", "it is signed, and its signatures can be read"),
    FileCheck.REF_DIGEST: ("受保护的内容未被改动", "what is protected was not altered"),
    FileCheck.COVERAGE: ("全部内容受签名保护", "everything in it is protected"),
    Check.DATAHASH: ("签章对应这份数据", "the sealing is over this data"),
    Check.SIG_VALUE: ("签章值正确", "the signature value is right"),
    Check.SIGNER_CERT_CHAIN: ("签章者证书可信", "the sealer's certificate is to be believed"),
    Check.SIGNER_CERT_TIME: ("签章时证书在有效期内", "it was within its validity at sealing"),
    Check.SIGNER_CERT_STATUS: ("签章时证书未被吊销", "it was not revoked at sealing"),
    Check.CERT_IN_SEAL_LIST: ("签章者有权使用该印章", "the seal lists the sealer's certificate"),
    FileCheck.SEAL_MATCH: ("所附印章即所用印章", "the seal beside it is the one applied"),
    Check.SEAL_SIG: ("印章由制章者签名", "the seal is signed by its maker"),
    Check.MAKER_CERT: ("制章者证书可信", "the maker's certificate is to be believed"),
    Check.SEAL_TIME: ("签章时印章在有效期内", "the seal was in its period at sealing"),
    Check.TIMESTAMP: ("时间戳可信", "the timestamp is to be believed"),
    LicenceCheck.LICENCE_ID: ("文件与证照记录一致", "the file is the licence its record says"),
    LicenceCheck.LICENCE_STATUS: ("证照有效", "the licence stands"),
    LicenceCheck.TRUST_REGISTRY: ("签章各方在信任名录，印章在用", "every signer is registered, and the seal in use"),
}
_MARKS: Final = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.UNKNOWN: "?", Outcome.SKIPPED: "-"}
_KINDS: Final = {
    "ofd": "OFD 文件 OFD file",
    "seal": "电子印章 electronic seal",
    "sealing": "电子签章 electronic sealing",
    "signed-data": "签名数据 signed data",
    "signature": "签名值 signature",
}


def file_verdict_json(verdict: FileVerdict) -> dict[str, Any]:
    """Return the JSON object of a verdict on a file. Personal data in it is masked."""
    said = words(verdict.reason)
    record = None if verdict.record is None else verdict_json(verdict.record)
    return {
        "kind": verdict.kind.value,
        "outcome": verdict.outcome.value,
        "verdict": verdict.overall.value,
        "reason": verdict.reason.value,
        "sentence": said.zh,
        "sentence_en": said.en,
        "remedy": said.remedy_zh,
        "remedy_en": said.remedy_en,
        "checked_at": timestamp(verdict.question.at),
        "checks": _checks(verdict.findings),
        "signatures": [_signature(one) for one in verdict.signatures],
        "seals": [_seal(one) for one in verdict.seals],
        "copy": None if verdict.note is None else _copy(verdict.note),
        "warnings": [_warning(one) for one in verdict.warnings],
        "freshness": None if record is None else record["freshness"],
        "flags": [] if record is None else record["flags"],
        "licence": None if record is None else record["licence"],
        "record": record,
    }


def _checks(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {
            "name": str(one.check),
            "result": one.outcome.value,
            "code": (Reason.OK if one.error is None else one.error.reason).value,
            "detail": "" if one.error is None else one.error.detail,
        }
        for one in findings
    ]


def _signature(report: SignatureReport) -> dict[str, Any]:
    return {
        "id": report.listing.id,
        "type": report.listing.type.value,
        "value": None if report.kind is None else report.kind.value,
        "signed_at": None if report.signed_at is None else timestamp(report.signed_at),
        "time_stamped": report.sealing is not None and report.sealing.timestamp is not None,
        "verdict": report.verdict.value,
        "checks": _checks(report.findings),
    }


def _seal(seal: Seal) -> dict[str, Any]:
    info = seal.info
    return {
        "code": info.code,
        "name": info.name,
        "version": seal.version.name,
        "not_before": timestamp(info.not_before),
        "not_after": timestamp(info.not_after),
    }


def _copy(note: CopyNote) -> dict[str, str]:
    return {
        "creator": note.creator,
        "cause": note.cause,
        "expires": note.expires.isoformat(),
        "created": timestamp(note.created),
    }


def _warning(error: EcertError) -> dict[str, str]:
    return {"code": error.reason.value, "detail": error.detail}


def file_verdict_text(verdict: FileVerdict) -> str:
    """Return a verdict on a file as a person reads it: the sentence first, the checks last."""
    said = words(verdict.reason)
    lines = [
        f"{HEADINGS[verdict.outcome]}  {_KINDS[verdict.kind.value]}",
        f"  {said.zh}。{said.en}.",
        f"  → {said.remedy_zh}。{said.remedy_en}.",
    ]
    lines += [f"  ! {words(one.reason).zh} {words(one.reason).en}: {one.detail}" for one in verdict.warnings]
    if verdict.record is not None:
        lines += licence_lines(verdict.record)
    lines += ["", *(_seal_line(one) for one in verdict.seals)]
    if verdict.note is not None:
        note = verdict.note
        lines.append(f"  加注件 copy     仅供 for {note.creator}；{note.cause}；至 until {note.expires}")
    lines += [f"  核验时间 checked at  {local_time(verdict.question.at)}"]
    lines += [] if verdict.record is None else freshness_lines(verdict.record)
    lines.append("")
    lines += [_check_line(one) for one in verdict.findings]
    for report in verdict.signatures if len(verdict.signatures) > 1 else ():
        lines += ["", f"  签名 signature {report.listing.id}: {report.verdict.value}"]
        lines += [_check_line(one) for one in report.findings]
    return "\n".join(lines)


def _seal_line(seal: Seal) -> str:
    return f"  印章 seal      {seal.info.name} ({seal.info.code})"


def _check_line(finding: Finding) -> str:
    title, title_en = CHECK_TITLES[finding.check]
    why = "" if finding.error is None else f"  [{finding.error.reason.value}] {finding.error.detail}"
    return f"  {_MARKS[finding.outcome]} {finding.check:18} {title} {title_en}{why}"
