"""What a page shows of a sighting: outcome, words, age, licence, seal, checks. Outcome, icon and words say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ecert.errors import Reason
from ecert.file_report import CHECK_TITLES, file_verdict_json
from ecert.report import STEP_TITLES, local_time, verdict_json
from ecert.seal import Outcome as FindingOutcome
from ecert.verification import Outcome, Result
from ecert.wording import words
from verifier.advice import SCAN_AGAIN, advise
from verifier.lights import aged, clock_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.revocation import StatusEvent
    from ecert.verification import Verdict
    from ecert.verification.files import FileVerdict
    from verifier.intake import Sighting

UNREAD: Final = "unread"
"""The fourth kind on the page: nothing was read, so nothing is called invalid."""
HEADINGS: Final = {
    "valid": ("✓", "有效", "VALID"),
    "invalid": ("✕", "无效", "INVALID"),
    "undetermined": ("?", "无法判断", "CANNOT TELL"),
    UNREAD: ("↻", "没有读出", "NOT READ"),
}
"""Icon and words of each kind."""
_MARKS: Final = {
    Result.PASS: ("pass", "✓", "通过", "pass"),
    Result.FAIL: ("fail", "✕", "不通过", "fail"),
    Result.UNKNOWN: ("unknown", "?", "不能确定", "unknown"),
    Result.SKIPPED: ("skipped", "–", "未涉及", "skipped"),
}
_FINDINGS: Final = {
    FindingOutcome.PASSED: Result.PASS,
    FindingOutcome.FAILED: Result.FAIL,
    FindingOutcome.UNKNOWN: Result.UNKNOWN,
    FindingOutcome.SKIPPED: Result.SKIPPED,
}


def _is_unread(sighting: Sighting) -> bool:
    """Tell whether a code was not read whole: its first step failed, so that no licence was looked at at all."""
    verdict = sighting.verdict
    return sighting.file is None and verdict is not None and verdict.checks[0].result is Result.FAIL


def view(sighting: Sighting, drawing: str | None = None) -> dict[str, Any]:
    """Return what the template shows.

    Args:
        sighting: What was seen.
        drawing: The name of the picture of its file, if there is one.
    """
    verdict, file, showing = sighting.verdict, sighting.file, sighting.showing
    outcome, reason = _decided(verdict, file)
    unread, said = _is_unread(sighting), words(reason)
    kind, advice = (UNREAD, SCAN_AGAIN) if unread else (outcome.value, advise(outcome, reason))
    told = None if verdict is None else verdict_json(verdict)
    icon, heading, heading_en = HEADINGS[kind]
    return {
        "kind": kind,
        "icon": icon,
        "heading": heading,
        "heading_en": heading_en,
        "reason": reason.value,
        "words": said,
        "advice": advice,
        "spoken": f"{heading}。{said.zh}。{said.remedy_zh}。",
        "flags": [] if told is None else told["flags"],
        "licence": None if told is None else told["licence"],
        "known": [] if verdict is None else list(_known(verdict)),
        "decision": "" if verdict is None else _decision(verdict.event),
        "sealed_at": "" if verdict is None or verdict.content is None else local_time(verdict.content.sealed_at),
        "steps": [] if verdict is None else list(_steps(verdict)),
        "file": None if file is None else _file(file),
        "drawing": drawing,
        "showing": None if showing is None else {"purpose": showing.purpose, "made_at": local_time(showing.made_at)},
    }


def _decided(verdict: Verdict | None, file: FileVerdict | None) -> tuple[Outcome, Reason]:
    if file is not None:
        return file.outcome, file.reason
    if verdict is None:
        raise ValueError("a sighting of nothing")
    return verdict.outcome, verdict.reason


def _steps(verdict: Verdict) -> Iterator[dict[str, Any]]:
    for check in verdict.checks:
        result, mark, zh, en = _MARKS[check.result]
        title, title_en = STEP_TITLES[check.name]
        yield {
            "title": f"{check.number}. {title}",
            "title_en": title_en,
            "result": result,
            "mark": mark,
            "zh": zh,
            "en": en,
            "code": "" if check.code is Reason.OK else check.code.value,
            "detail": check.detail,
        }


def _file(file: FileVerdict) -> dict[str, Any]:
    said, steps = file_verdict_json(file), []
    for finding in file.findings:
        result, mark, zh, en = _MARKS[_FINDINGS[finding.outcome]]
        title, title_en = CHECK_TITLES[finding.check]
        step = {"title": title, "title_en": title_en, "result": result, "mark": mark, "zh": zh, "en": en}
        error = finding.error
        code, detail = ("", "") if error is None else (error.reason.value, error.detail)
        steps.append(step | {"code": code, "detail": detail})
    warnings = [words(one.reason) for one in file.warnings]
    return {"seals": said["seals"], "note": said["copy"], "warnings": warnings, "steps": steps}


def _decision(event: StatusEvent | None) -> str:
    """Say since when and by what a licence is in its state; empty when that is not held."""
    if event is None:
        return ""
    since = f"自 {local_time(event.since)} 起" + (f"至 {local_time(event.until)}" if event.until else "")
    return " · ".join(text for text in (since, event.reason, event.legal_basis, event.document) if text)


def _known(verdict: Verdict) -> Iterator[dict[str, str]]:
    """Say as of when the evidence speaks, each in Chinese and English."""
    for zh, en, evidence in (
        ("状态截至", "Status as of", verdict.status),
        ("名录截至", "Registry as of", verdict.registry),
    ):
        if evidence is not None:
            time, (age, age_en) = clock_time(evidence.issued_at, verdict.now), aged(evidence, verdict.now)
            yield {"zh": f"{zh} {time}，{age}", "en": f"{en} {time}, {age_en}"}
