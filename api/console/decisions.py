"""The form of a decision about a licence: why, by which law, under which number, from when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from api.console.forms import Control, Filling, Form, FormField, Group, Option
from api.console.views.licences import Action
from api.licences.issuing import MAX_PAPER_SERIAL
from api.lifecycle import actions as rules
from api.lifecycle.actions import RULES
from ecert.licence.codes import PROVINCES, Phrase
from ecert.revocation.status import MAX_DOCUMENT, MAX_REASON, ReasonCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ecert.errors import FieldProblem

REASON_CODE: Final = "/reason_code"
REASON: Final = "/reason"
LEGAL_BASIS: Final = "/legal_basis"
DOCUMENT: Final = "/document"
EFFECTIVE_AT: Final = "/effective_at"
UNTIL: Final = "/until"
PAPER_SERIAL: Final = "/paper_serial"
TARGET_REGION: Final = "/target_region"
"""The names of the controls."""
CONTROLS: Final = (
    *(REASON_CODE, REASON, LEGAL_BASIS, DOCUMENT),
    *(EFFECTIVE_AT, UNTIL, PAPER_SERIAL, TARGET_REGION),
)
"""All of them."""

REASONS: Final[Mapping[ReasonCode, Phrase]] = {
    ReasonCode.HOLDER_REQUEST: Phrase("At the holder's request", "持证主体申请"),
    ReasonCode.ISSUED_IN_ERROR: Phrase("Issued in error", "制发有误"),
    ReasonCode.UNLAWFUL_ACT: Phrase("Unlawful act of the holder", "持证主体违法"),
    ReasonCode.OBTAINED_BY_FRAUD: Phrase("Obtained by fraud", "以欺骗、贿赂等不正当手段取得"),
    ReasonCode.CHANGED: Phrase("What it says has changed", "证照内容变更"),
    ReasonCode.RENEWED: Phrase("Renewed", "有效期延续"),
    ReasonCode.MOVED: Phrase("Moved to another region", "迁往其他地区"),
    ReasonCode.LOST: Phrase("Lost", "遗失"),
    ReasonCode.UNDER_INVESTIGATION: Phrase("Under investigation", "立案调查期间"),
    ReasonCode.INVESTIGATION_CLOSED: Phrase("Investigation closed", "调查终结"),
    ReasonCode.PARENT_FELL: Phrase("A licence it depends on has fallen", "所依赖的证照失效"),
    ReasonCode.HOLDER_ENDED: Phrase("The holder died or was dissolved", "持证主体死亡或终止"),
    ReasonCode.LAW_CHANGED: Phrase("The law has changed", "法律法规变化"),
    ReasonCode.EXPIRED: Phrase("Not renewed in time", "有效期届满未延续"),
    ReasonCode.OTHER: Phrase("Other", "其他"),
}
"""How each reason is called."""


def decision_form(action: Action, values: Mapping[str, str], problems: Iterable[FieldProblem] = ()) -> Form:
    """Make the form of a decision.

    Args:
        action: What is to be decided; it settles which reasons are usual and what else is asked.
        values: What the controls hold, by their names.
        problems: What was wrong with it, by the same names.
    """
    filling = Filling(values, problems)
    why = Group(Phrase("Reason", "事由"), tuple(_why(action, filling)))
    effect = Group(Phrase("Effect", "生效"), tuple(_effect(action, filling)))
    return Form((why, effect), filling.unplaced())


def _field(filling: Filling, name: str, label: Phrase, max_length: int = 0) -> FormField:
    return FormField(name, label, max_length=max_length, value=filling.value(name), problems=filling.problems(name))


def _why(action: Action, filling: Filling) -> Iterator[FormField]:
    usual = RULES[rules.Action(action.value)].reasons
    reasons = tuple(Option(code.value, REASONS[code]) for code in (*usual, ReasonCode.OTHER))
    yield _select(filling, REASON_CODE, Phrase("Reason", "事由"), reasons)
    hint = Phrase("Published with the status: no personal data", "随状态公布，不得写入个人信息")
    yield _more(_field(filling, REASON, Phrase("In one sentence", "事由说明"), MAX_REASON), Control.AREA, hint)
    example = Phrase("The law and its article", "法律名称与条款，如《中华人民共和国行政许可法》第七十条")
    yield _more(_field(filling, LEGAL_BASIS, Phrase("Legal basis", "法律依据"), MAX_REASON), Control.TEXT, example)
    number = Phrase("Number of the decision", "决定文书文号")
    yield _field(filling, DOCUMENT, number, MAX_DOCUMENT)


def _effect(action: Action, filling: Filling) -> Iterator[FormField]:
    makes_version = RULES[rules.Action(action.value)].makes_version
    china = Phrase("China Standard Time; empty: at once", "北京时间；留空即时生效")
    if makes_version:
        china = Phrase("China Standard Time; empty: on its first day in force", "北京时间；留空则自有效期起始日生效")
    effective = _field(filling, EFFECTIVE_AT, Phrase("Takes effect", "生效时间"))
    yield _more(effective, Control.MOMENT, china, required=False)
    if action is Action.SUSPEND:
        until = _field(filling, UNTIL, Phrase("Until", "暂扣至"))
        yield _more(until, Control.MOMENT, Phrase("Empty: no end is known", "留空表示期限未定"), required=False)
    if action is Action.TRANSFER:
        regions = tuple(Option(f"{code}0000", name) for code, name in PROVINCES.items())
        yield _select(filling, TARGET_REGION, Phrase("Region it moves to", "转往地区"), regions)
    if makes_version:
        serial = _field(filling, PAPER_SERIAL, Phrase("Serial of the new paper", "新纸质证照印制号"), MAX_PAPER_SERIAL)
        none = Phrase("Empty: no paper is handed out", "不制发纸质证照则留空")
        yield _more(serial, Control.TEXT, none, required=False)
    if action is Action.MARK_LOST:
        serial = _field(
            filling, PAPER_SERIAL, Phrase("Serial of the lost paper", "遗失的纸质证照印制号"), MAX_PAPER_SERIAL
        )
        known = Phrase("Empty: as recorded of this licence", "台账已有记录的可留空")
        yield _more(serial, Control.TEXT, known, required=False)


def _select(filling: Filling, name: str, label: Phrase, options: tuple[Option, ...]) -> FormField:
    return FormField(
        name, label, Control.SELECT, value=filling.value(name), options=options, problems=filling.problems(name)
    )


def _more(field: FormField, control: Control, hint: Phrase, *, required: bool = True) -> FormField:
    return replace(field, control=control, hint=hint, required=required)
