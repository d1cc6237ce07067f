"""The table of actions: walked whole, and held against what a ledger takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.console.views.licences import Action as Shown
from api.console.views.proposals import ProposalState as ShownState
from api.console.views.proposals import Subject as ShownSubject
from api.decisions import event_of
from api.lifecycle.actions import RULES, Action, Condition, allowed
from api.lifecycle.deciding import People, decide
from api.lifecycle.motions import Motion
from api.lifecycle.proposals import ProposalState
from api.lifecycle.subjects import Subject, reload
from api.service_schema import deciders, licences
from ecert.errors import IssuanceError, Reason
from ecert.licence.identifier import parse_identifier
from ecert.revocation import State, state_at

if TYPE_CHECKING:
    from datetime import datetime

    from api.ledger import SqlLedger
    from tests.api.office import Region

NEVER_AGAIN = {State.SUPERSEDED, State.TRANSFERRED, State.CANCELLED, State.WITHDRAWN, State.REVOKED}


def test_what_has_ended_allows_nothing_and_everything_else_can_end() -> None:
    assert allowed(Condition.ENDED) == ()
    for condition in set(Condition) - {Condition.ENDED}:
        assert {Action.CANCEL, Action.WITHDRAW} <= set(allowed(condition))
    assert set(RULES) == set(Action)


def test_only_what_cannot_be_undone_takes_two() -> None:
    two = {action for action, rule in RULES.items() if rule.takes_two}
    assert two == {Action.TRANSFER, Action.CANCEL, Action.WITHDRAW, Action.REVOKE}
    assert {action for action, rule in RULES.items() if rule.makes_version} == {
        Action.CHANGE,
        Action.RENEW,
        Action.REISSUE,
    }


def test_the_console_has_words_for_every_action_and_state() -> None:
    assert [(one.name, one.value) for one in Shown] == [(one.name, one.value) for one in Action]
    assert {one.value for one in Action} <= {one.value for one in ShownSubject}
    assert {(one.name, one.value) for one in ShownState} == {(one.name, one.value) for one in ProposalState}


def test_the_documentation_has_the_same_table() -> None:
    text = (Path(__file__).parents[3] / "docs" / "lifecycle.md").read_text("utf-8")
    rows = [line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\|`[a-z]+` \S+\|[a-z]+\|", line)]
    assert len(rows) == len(RULES)
    for name, becomes, *of, two, reasons in rows:
        rule = RULES[Action(name.split("`")[1])]
        assert becomes == rule.becomes.name.lower()
        assert {one for one, mark in zip(Condition, of, strict=True) if mark} == rule.of
        assert (two == "●") is rule.takes_two
        assert tuple(re.findall("`([^`]+)`", reasons)) == rule.reasons


@dataclass(frozen=True)
class Step:
    """Some days pass, and somebody wants something, to take effect `ahead` days from then."""

    passes: int
    action: Action
    ahead: int
    lasts: int


STEPS = st.builds(
    Step,
    passes=st.integers(0, 40),
    action=st.sampled_from(Action),
    ahead=st.sampled_from((-3, 0, 0, 0, 5, 20)),
    lasts=st.sampled_from((0, 0, 3, 30)),
)


def motion_of(step: Step, now: datetime) -> Motion:
    since = now + timedelta(days=step.ahead) if step.ahead else None
    until = None
    if step.action is Action.SUSPEND and step.lasts:
        until = (since or now) + timedelta(days=step.lasts)
    code = RULES[step.action].reasons[0]
    region = "310000" if step.action is Action.TRANSFER else ""
    return Motion(step.action, code, "样例", "样例", "样例", since, until, region, "粤A1")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=12))
def test_a_ledger_takes_exactly_what_the_table_allows(region: Region, steps: list[Step]) -> None:
    issued = region.provinces.issue("food-business-licence").identifier
    with region.ledger() as ledger:
        now, taken = region.provinces.now, []
        for step in steps:
            now += timedelta(days=step.passes)
            subject, motion = reload(ledger, issued.text), motion_of(step, now)
            meets = subject.meets(motion.since(now), now)
            refused = attempt(ledger, subject, motion, now)
            assert refused is (meets not in RULES[step.action].of)
            if not refused:
                taken.append(step.action)
                after = reload(ledger, issued.text)
                agrees(after, motion, now)
                assert after.etag != subject.etag
        history = ledger.history(parse_identifier(issued.text))
        assert [State(one.state) for one in history] == [RULES[action].becomes for action in taken]
        ends = [RULES[action].becomes in NEVER_AGAIN for action in taken]
        assert not any(ends[:-1])
        row = ledger.database.run(select(licences).where(licences.c.identifier == issued.text)).one()
        assert row.state == (history[-1].state if history else State.VALID.value)


def attempt(ledger: SqlLedger, subject: Subject, motion: Motion, now: datetime) -> bool:
    """Try to decide; tell whether it was refused, and then left nothing."""
    counted = select(func.count()).select_from(deciders)
    before, reasons = ledger.database.number(counted), []
    try:
        with ledger.database.transaction():
            decide(ledger, subject, motion, People("clerk"), now)
    except IssuanceError as error:
        reasons.append(error.reason)
    assert reasons in ([], [Reason.ACTION_NOT_ALLOWED])
    assert ledger.database.number(counted) == before + 1 - len(reasons)
    return bool(reasons)


def agrees(subject: Subject, motion: Motion, now: datetime) -> None:
    """Require that the decision is in effect from its time on, and for what ends a licence for ever."""
    since = motion.since(now)
    events = list(map(event_of, subject.history))
    becomes = RULES[motion.action].becomes
    assert state_at(events, max(since, now))[0] is becomes
    if becomes.ends:
        assert state_at(events, now + timedelta(days=9999))[0] is becomes
        assert subject.condition(now + timedelta(days=9999)) is Condition.ENDED
    if motion.action is Action.MARK_LOST:
        assert subject.condition(max(since, now)) is Condition.LOST
