"""The pages on which a clerk accepts a matter. Rendered here, complete without JavaScript, Chinese first."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ecert.licence.application import HOLDER_CODE
from ecert.licence.codes import CITIZEN_ID_TYPE, CREDIT_CODE_TYPE, HOLDER_CODE_TYPES, region_with_code
from ecert.licence.masking import mask_code
from ecert.matter import Obstacle, Settled, case_json
from ecert.matter.acceptance import masked_name
from ecert.matter.words import title
from ecert.presentation import Answer, Ground, Way
from ecert.presentation.uses import GROUND_TITLES, WAY_TITLES
from ecert.receipt.report import receipt_verdict_json
from ecert.report import describe_type, local_time, verdict_json
from ecert.verification import Outcome
from ecert.web.display import Display
from ecert.wording import words
from verifier.matters.charts import statistics_of
from verifier.matters.follow_ups import MAX_OPEN, Found
from verifier.matters.forms import names_agent
from verifier.matters.reception import wishes
from verifier.matters.register import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from ecert.matter import Case, Count, Hindrance, Matter, Resolution, Shown
    from ecert.receipt import ReceiptVerdict
    from ecert.wording import Wording
    from verifier.matters.clerks import Account
    from verifier.matters.drafts import Ask, Draft, Presented
    from verifier.matters.follow_ups import Finding, FollowUp
    from verifier.matters.register import Filed, Listed
    from verifier.matters.settings import OfficeSettings
    from verifier.regions import Connection

_FORMS: Final = {
    Obstacle.NOT_SHARED: Settled.SHARED,
    Obstacle.NOT_ISSUED: Settled.ISSUED_ONLINE,
    Obstacle.NO_EARLIER: Settled.REUSED,
    Obstacle.EARLIER_TOO_OLD: Settled.REUSED,
    Obstacle.NOT_PROMISED: Settled.PROMISED,
    Obstacle.NOT_DEFERRED: Settled.DEFERRED,
}
"""What a clerk can do on the page about an obstacle."""
_HEADINGS: Final = {
    Outcome.VALID: ("✓", "有效", "valid"),
    Outcome.INVALID: ("✕", "无效", "invalid"),
    Outcome.UNDETERMINED: ("?", "无法判断", "cannot tell"),
}
_ANSWERS: Final = {
    Answer.ASKED: ("…", "等待持证人在手机上答复", "waiting for the answer on the phone"),
    Answer.GRANTED: ("✓", "持证人已同意", "granted"),
    Answer.REFUSED: ("✕", "持证人不同意，请收纸质材料", "refused: take the paper"),
    Answer.WITHDRAWN: ("✕", "持证人已收回授权", "taken back"),
    Answer.LAPSED: ("!", "过时未答复，可重新请求", "lapsed: ask again"),
}
_WHOSE: Final = {"applicant": ("申请人", "applicant"), "agent": ("经办人", "acting person")}


_FOUND: Final = {
    Found.HANDED_IN: ("✓", "已补交", "handed in"),
    Found.TRUE: ("✓", "核查属实", "found true"),
    Found.FALSE: ("✕", "承诺不实", "found false"),
    Found.MENDED: ("✓", "信用已修复", "mended"),
}

HERE: Final[ContextVar[str]] = ContextVar("here", default="/matters")
"""The path to come back to when the size of the text was changed."""
DISPLAY: Final[ContextVar[Display]] = ContextVar("display", default=Display())  # noqa: B039  (it never changes)
"""How whoever asks likes the pages."""


class MatterPages:
    """Renders the pages for one window."""

    def __init__(self, settings: OfficeSettings, window: str) -> None:
        """Render for the window of this name."""
        loader = FileSystemLoader(Path(__file__).parents[1] / "templates")
        self._environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._common = {"window": window, "unit": settings.name}
        self._connections = settings.connections

    def _render(
        self,
        template: str,
        clerk: Account | None,
        notice: Wording | None = None,
        detail: str = "",
        **content: Any,
    ) -> str:
        page = self._environment.get_template(f"matters/{template}.html")
        name = None if clerk is None else clerk.name
        return page.render(
            **self._common, clerk=name, display=DISPLAY.get(), here=HERE.get(), notice=notice, detail=detail, **content
        )

    def sign_in(self, onward: str, notice: Wording | None = None) -> str:
        """Return the page on which a clerk signs in, to go on to `onward`."""
        return self._render("sign_in", None, notice, onward=onward)

    def matters(self, clerk: Account, matters: tuple[Matter, ...], drafts: tuple[Draft, ...]) -> str:
        """Return the list of what may be handed in here, and the clerk's cases that are not accepted yet."""
        names = {one.item_code: one.name for one in matters}
        open_cases = [
            {
                "id": one.id,
                "matter": names.get(one.item_code, one.item_code),
                "applicant": masked_name(one.applicant),
                "code": mask_code(one.applicant.code),
                "touched": local_time(one.touched_at),
            }
            for one in drafts
        ]
        return self._render("list", clerk, matters=[_matter(one) for one in matters], cases=open_cases)

    def begin(
        self,
        clerk: Account,
        matter: Matter,
        typed: Mapping[str, str] | None = None,
        notice: Wording | None = None,
        detail: str = "",
    ) -> str:
        """Return the form with which a case begins, with what was typed into it."""
        kinds = [one for one in HOLDER_CODE_TYPES.values() if matter.takes(one.code)]
        told = {"kinds": _common_first(kinds), "people": _PEOPLE, "connected": bool(self._connections)}
        told |= {"natural": any(one.category == "natural" for one in kinds), **_typed(typed)}
        return self._render("begin", clerk, notice, detail, matter=_matter(matter), **told)

    def case(
        self,
        clerk: Account,
        draft: Draft,
        case: Case,
        resolutions: tuple[Resolution, ...],
        *,
        notice: Wording | None = None,
        detail: str = "",
        typed: Mapping[str, str] | None = None,
    ) -> str:
        """Return a case as it stands, and in the form for whoever acts what was typed."""
        told = case_json(case, resolutions)
        rows = [
            {**shown, "offers": [_offer(one) for one in resolution.hindrances], "paper": resolution.material.paper}
            for shown, resolution in zip(told["materials"], resolutions, strict=True)
        ]
        wanted = wishes(case, resolutions)
        return self._render(
            "case",
            clerk,
            notice,
            detail,
            matter=_matter(case.matter),
            case=told,
            at=local_time(case.at),
            id=draft.id,
            rows=rows,
            licences=[_shown(*one, case) for one in zip(case.shown, draft.presented, strict=True)],
            consent=None if draft.consent is None else draft.consent.form.value,
            by_law=draft.by_law,
            asks=[_ask(one) for one in draft.asks],
            waiting=any(one.is_open for one in draft.asks),
            wishes=[_wish(whose, [one.type_code for one in wanted[whose]]) for whose in _WHOSE if whose in wanted],
            regions=_nearest_first(self._connections, case.matter.region),
            people=_PEOPLE,
            **_typed(typed),
        )

    def acceptances(
        self,
        clerk: Account,
        filed: Sequence[Filed],
        waiting: Sequence[FollowUp],
        today: date,
        *,
        overdue: int,
        notice: Wording | None = None,
    ) -> str:
        """Return the list of what was accepted, newest first, and of what follows."""
        return self._render(
            "acceptances",
            clerk,
            notice,
            rows=[_row(one) for one in filed[:PAGE]],
            waiting=[_following(one, today) for one in waiting],
            full=len(waiting) == MAX_OPEN,
            overdue=overdue,
            before=filed[PAGE - 1].number if len(filed) > PAGE else None,
        )

    def slip(
        self,
        clerk: Account,
        filed: Filed,
        files: Sequence[Listed],
        following: Sequence[FollowUp],
        *,
        today: date,
        notice: Wording | None = None,
        detail: str = "",
    ) -> str:
        """Return the slip of an acceptance, to be printed; beside it the file of the case and what follows."""
        return self._render(
            "slip",
            clerk,
            notice,
            detail,
            number=filed.number,
            slip=filed.slip,
            signed=filed.signed,
            accepted=_local(filed.slip["accepted_at"]),
            region=region_with_code(filed.slip["case"]["matter"]["region"]),
            following=[_following(one, today) for one in following],
            files=[
                {"position": one.position, "name": one.name, "title": one.title, "sm3": one.digest.hex()}
                for one in files
            ],
        )

    def evidence(self, clerk: Account, filed: Filed, verdict: ReceiptVerdict) -> str:
        """Return what the verification receipt of an acceptance says, and what verifying it comes to now."""
        told = receipt_verdict_json(verdict)
        said = told["receipt"]
        return self._render(
            "evidence",
            clerk,
            number=filed.number,
            verdict=told,
            checked=local_time(verdict.now),
            signed_at=None if verdict.signed_at is None else local_time(verdict.signed_at),
            made=None if said is None else _local(said["made_at"]),
            licences=[] if said is None else [_seen(one) for one in said["licences"]],
            ways={way.value: title(way) for way in Settled},
            names={one["code"]: one["name"] for one in filed.slip["case"]["materials"]},
            icon=_HEADINGS[verdict.outcome][0],
        )

    def statistics(
        self,
        clerk: Account,
        counts: list[Count],
        since: date | None = None,
        until: date | None = None,
        *,
        notice: Wording | None = None,
        detail: str = "",
    ) -> str:
        """Return what was spared from one day to another, by matter, department and region, with charts."""
        days = {"since": since.isoformat() if since else "", "until": until.isoformat() if until else ""}
        return self._render("statistics", clerk, notice, detail, **days, **statistics_of(counts))

    def problem(self, notice: Wording) -> str:
        """Return a page that says what went wrong."""
        return self._render("problem", None, notice)


def _common_first(kinds: Iterable[Any]) -> list[Any]:
    return sorted(kinds, key=lambda one: (one.code not in (CITIZEN_ID_TYPE, CREDIT_CODE_TYPE), one.code))


def _local(instant: str) -> str:
    """Return an instant of a slip, in RFC 3339, as people in China read it."""
    return local_time(datetime.fromisoformat(instant))


def _typed(typed: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what stands in the forms about people again, and whether somebody who acts is among it."""
    entries = typed or {}
    return {"typed": entries, "acting": names_agent(entries)}


_PEOPLE: Final = _common_first(one for one in HOLDER_CODE_TYPES.values() if one.category == "natural")
"""The kinds of number by which a natural person is told."""


def _row(filed: Filed) -> dict[str, Any]:
    case = filed.slip["case"]
    return {
        "number": filed.number,
        "matter": case["matter"]["name"],
        "applicant": case["applicant"]["name"],
        "accepted": _local(filed.slip["accepted_at"]),
        "spared": filed.slip["spared"],
        "signed": filed.signed,
        "handover": filed.slip["handover"],
    }


def _following(one: FollowUp, today: date) -> dict[str, Any]:
    return {
        "number": one.number,
        "matter": one.matter,
        "name": one.name,
        "material": one.due.material,
        "settled": one.due.settled.value,
        "way": title(one.due.settled),
        "by": one.due.by.isoformat(),
        "overdue": not one.findings and one.due.by < today,
        "findings": [_finding(finding) for finding in one.findings],
        "broken": bool(one.findings) and one.findings[-1].found is Found.FALSE,
        "next": [(found.value, *_FOUND[found][1:]) for found in one.next],
    }


def _finding(one: Finding) -> dict[str, str]:
    icon, title, title_en = _FOUND[one.found]
    note = "（说明无法打开 the note cannot be opened）" if one.note is None else one.note
    noted = f"{local_time(one.at)} {one.operator} {note}"
    return {"icon": icon, "title": title, "title_en": title_en, "noted": noted}


def _nearest_first(connections: Iterable[Connection], region: str) -> list[Connection]:
    """Return the regions that can be asked, that which handles the matter first."""
    return sorted(connections, key=lambda one: one.region[:2] != region[:2])


def _matter(matter: Matter) -> dict[str, Any]:
    return {
        "item_code": matter.item_code,
        "name": matter.name,
        "department": matter.department.name,
        "region": region_with_code(matter.region),
        "cross_region": matter.cross_region,
        "days": matter.days,
        "materials": [{"name": one.name, "paper": one.paper} for one in matter.materials],
    }


def _offer(hindrance: Hindrance) -> dict[str, Any]:
    """Return why a way did not work, and the form by which it can be made to."""
    way = hindrance.way
    form = _FORMS.get(hindrance.obstacle)
    if hindrance.obstacle is Obstacle.NAME_CHANGED:
        return {"obstacle": hindrance.obstacle.value, "form": "same-person", "source": "", "promise": None}
    promise = way if form is Settled.PROMISED else None
    return {
        "obstacle": hindrance.obstacle.value,
        "form": None if form is None else form.value,
        "source": getattr(way, "source", ""),
        "promise": promise,
    }


def _type(code: str) -> str:
    return describe_type(code)["name"] or code


def _shown(shown: Shown, presented: Presented, case: Case) -> dict[str, Any]:
    icon, heading, heading_en = _HEADINGS[shown.verdict.outcome]
    way, way_en = WAY_TITLES[shown.way]
    ground = None if shown.grant is None else GROUND_TITLES[shown.grant.ground]
    return {
        **verdict_json(shown.verdict),
        "icon": icon,
        "heading": heading,
        "heading_en": heading_en,
        "way": way,
        "way_en": way_en,
        "ground": ground,
        "evidence": shown.grant.evidence if shown.grant is not None and shown.grant.ground is Ground.LAW else "",
        "copied": bool(presented.copy),
        "name": presented.digest.hex(),
        "trouble": None if presented.trouble is None else words(presented.trouble.reason),
        "stranger": _is_a_strangers(shown, case),
    }


def _is_a_strangers(shown: Shown, case: Case) -> bool:
    """Tell whether a licence that names its holder names neither the applicant nor whoever acts for one."""
    code = shown.verdict.fields.get(HOLDER_CODE)
    people = [one.code for one in (case.applicant, case.agent) if one is not None]
    return code is not None and code not in people


def _ask(ask: Ask) -> dict[str, Any]:
    icon, answer, answer_en = _ANSWERS[ask.asked.answer]
    whose, whose_en = _WHOSE[ask.whose]
    return {
        "icon": icon,
        "answer": answer,
        "answer_en": answer_en,
        "code": ask.asked.answer.value,
        "whose": whose,
        "whose_en": whose_en,
        "region": region_with_code(ask.region),
        "types": [_type(code) for code in ask.types],
        "answer_by": local_time(ask.asked.answer_by),
        "until": local_time(ask.asked.until),
        "received": ask.received,
        "trouble": None if ask.trouble is None else words(ask.trouble.reason),
    }


def _wish(whose: str, types: Iterable[str]) -> dict[str, Any]:
    title, title_en = _WHOSE[whose]
    return {"whose": whose, "title": title, "title_en": title_en, "types": [_type(code) for code in types]}


def _seen(told: dict[str, Any]) -> dict[str, Any]:
    permission = told["permission"]
    way, way_en = WAY_TITLES[Way(told["way"])]
    icon, heading, heading_en = _HEADINGS[Outcome(told["outcome"])]
    ground = ("", "") if permission is None else GROUND_TITLES[Ground(permission["ground"])]
    return {
        **told,
        "checked": _local(told["checked_at"]),
        "icon": icon,
        "heading": heading,
        "heading_en": heading_en,
        "way": way,
        "way_en": way_en,
        "ground": ground,
    }
