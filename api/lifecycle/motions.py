"""What somebody wants to be decided about a licence: why, by which law, under which number, from when."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003  (read by pydantic)
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from api.licences.issuing import MAX_PAPER_SERIAL
from api.lifecycle.actions import RULES, Action
from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.licence.codes import PROVINCES, Phrase
from ecert.revocation import MAX_DOCUMENT, MAX_REASON, ReasonCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.lifecycle.subjects import Subject

FORETHOUGHT: Final = timedelta(days=366)
"""How long before it takes effect something is decided at the most."""
JUST_NOW: Final = timedelta(minutes=15)
"""What should have taken effect so little ago takes effect now: people fill in forms in the meantime."""
_PERSONAL: Final = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|1[3-9]\d{9})(?!\d)")
"""The number of a citizen, or of a mobile telephone."""

_REQUIRED: Final = Phrase("a value; it is required", "必填")
_UNASKED: Final = Phrase("nothing: this action does not ask for it", "此项不适用于该决定")
_PUBLISHED: Final = Phrase("no number of a person: it is published", "不得写入个人号码：该项随状态公布")
_CODE: Final = Phrase("one of the reasons of this action", "该决定适用的事由代码")
_LATER: Final = Phrase("an end after it takes effect", "晚于生效时间")
_REGION: Final = Phrase("another region's code, six digits that end in 0000", "另一地区的代码，六位，以 0000 结尾")
_LONG_AHEAD: Final = Phrase("a time within a year", "一年以内的时间")
_BEFORE_SEALED: Final = Phrase("a time not before the licence was sealed", "不早于证照签发的时间")
_NOT_PAST: Final = Phrase(
    "no time in the past: a new version cannot be older than its seal", "新版本的生效时间不得早于现在"
)
_OTHER_PAPER: Final = Phrase("the serial recorded of this licence's paper", "与台账所记的纸质证照印制号一致")


@dataclass(frozen=True, slots=True)
class Motion:
    """What is to be decided.

    Attributes:
        action: What is to be done.
        reason_code: Why.
        reason: The same in one sentence, published: without personal data.
        legal_basis: The law and article, published.
        document: The number of the decision (文号), published.
        effective_at: When it takes effect; None: at once.
        until: When a suspension ends by itself.
        target_region: Where a transferred licence goes, six digits.
        paper_serial: 纸质证照印制号: of the paper that comes with a new version, or of the one that was lost.
        application: What a new version says, as it was handed in.
    """

    action: Action
    reason_code: ReasonCode
    reason: str
    legal_basis: str
    document: str
    effective_at: datetime | None = None
    until: datetime | None = None
    target_region: str = ""
    paper_serial: str = ""
    application: Mapping[str, Any] | None = None

    def encode(self) -> bytes:
        """Write it as JSON."""
        return _MOTION.dump_json(self)

    @classmethod
    def decode(cls, data: bytes) -> Motion:
        """Read what `encode` wrote."""
        return _MOTION.validate_json(data)

    def since(self, now: datetime) -> datetime:
        """Return when it takes effect, if it is decided now; of a new version never before it is sealed."""
        if self.effective_at is None:
            return now
        return max(self.effective_at, now) if RULES[self.action].makes_version else self.effective_at

    def published_reason(self) -> str:
        """Return the reason as it is published: of a transfer it says where to."""
        goes_to = PROVINCES.get(self.target_region[:2])
        return f"转往{goes_to.zh}（{self.target_region}）：{self.reason}" if goes_to else self.reason


_MOTION: Final = TypeAdapter(Motion)


def require_sound(motion: Motion, subject: Subject, region: str, now: datetime) -> None:
    """Require that a motion says all that its action asks, and nothing that cannot be.

    Args:
        motion: What is to be decided.
        subject: The licence that it is about.
        region: Where that was issued, six digits.
        now: The clock.

    Raises:
        IssuanceError: DECISION_INVALID, with everything that is wrong.
    """
    problems = (*_texts(motion), *_times(motion, subject, now), *_particulars(motion, subject, region))
    if problems:
        raise IssuanceError(Reason.DECISION_INVALID, f"{len(problems)} problem(s) in the decision", problems)


def _problem(name: str, expected: Phrase) -> FieldProblem:
    return FieldProblem(f"/{name}", expected.en, expected.zh)


def _texts(motion: Motion) -> Iterator[FieldProblem]:
    if motion.reason_code not in (*RULES[motion.action].reasons, ReasonCode.OTHER):
        yield _problem("reason_code", _CODE)
    taken = len(motion.published_reason()) - len(motion.reason)
    yield from text_problems(motion.reason, motion.legal_basis, motion.document, taken)


def text_problems(reason: str, legal_basis: str, document: str, taken: int = 0) -> Iterator[FieldProblem]:
    """Look whether the texts of a decision can be published; `taken` characters of the reason are used already."""
    for name, text, limit in (
        ("reason", reason, MAX_REASON - taken),
        ("legal_basis", legal_basis, MAX_REASON),
        ("document", document, MAX_DOCUMENT),
    ):
        if not text.strip():
            yield _problem(name, _REQUIRED)
        elif len(text) > limit or not text.isprintable():
            yield _problem(name, Phrase(f"at most {limit} printable characters", f"至多 {limit} 个可打印字符"))
        elif _PERSONAL.search(text):
            yield _problem(name, _PUBLISHED)


def _times(motion: Motion, subject: Subject, now: datetime) -> Iterator[FieldProblem]:
    since = motion.since(now)
    if since > now + FORETHOUGHT:
        yield _problem("effective_at", _LONG_AHEAD)
        return
    if since < subject.issued_at:
        yield _problem("effective_at", _BEFORE_SEALED)
    elif RULES[motion.action].makes_version and motion.effective_at and motion.effective_at < now - JUST_NOW:
        yield _problem("effective_at", _NOT_PAST)
    if motion.until is not None and motion.action is not Action.SUSPEND:
        yield _problem("until", _UNASKED)
    elif motion.until is not None and not max(since, now) < motion.until <= since + 10 * FORETHOUGHT:
        yield _problem("until", _LATER)


def _particulars(motion: Motion, subject: Subject, region: str) -> Iterator[FieldProblem]:
    makes_version, is_lost = RULES[motion.action].makes_version, motion.action is Action.MARK_LOST
    if motion.action is not Action.TRANSFER:
        if motion.target_region:
            yield _problem("target_region", _UNASKED)
    elif motion.target_region == region or motion.target_region not in {f"{code}0000" for code in PROVINCES}:
        yield _problem("target_region", _REGION)
    if (motion.application is not None) is not makes_version:
        yield _problem("application", _REQUIRED if makes_version else _UNASKED)
    serial = motion.paper_serial
    if serial and not (makes_version or is_lost):
        yield _problem("paper_serial", _UNASKED)
    elif len(serial) > MAX_PAPER_SERIAL or not serial.isprintable():
        limit = Phrase(f"at most {MAX_PAPER_SERIAL} printable characters", f"至多 {MAX_PAPER_SERIAL} 个可打印字符")
        yield _problem("paper_serial", limit)
    elif is_lost and not (serial or subject.paper_serial):
        yield _problem("paper_serial", _REQUIRED)
    elif is_lost and serial and subject.paper_serial not in ("", serial):
        yield _problem("paper_serial", _OTHER_PAPER)
