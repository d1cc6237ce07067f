"""The pages on which a clerk accepts a matter. Rendered here, complete without JavaScript, Chinese first."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ecert.licence.codes import HOLDER_CODE_TYPES, region_name
from ecert.matter import Obstacle, Settled, case_json, spared_json, tally
from ecert.matter.words import title
from ecert.report import local_time, verdict_json
from ecert.verification import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecert.matter import Case, Count, Hindrance, Matter, Resolution, Shown
    from ecert.wording import Wording
    from verifier.matters.drafts import Draft
    from verifier.matters.register import Filed
    from verifier.matters.settings import OfficeSettings

_FORMS: Final = {
    Obstacle.NOT_SHARED: Settled.SHARED,
    Obstacle.NOT_ISSUED: Settled.ISSUED_ONLINE,
    Obstacle.NO_EARLIER: Settled.REUSED,
    Obstacle.EARLIER_TOO_OLD: Settled.REUSED,
    Obstacle.NOT_PROMISED: Settled.PROMISED,
    Obstacle.NOT_DEFERRED: Settled.DEFERRED,
}
"""What a clerk can do on the page about an obstacle."""
_ICONS: Final = {Outcome.VALID: "✓", Outcome.INVALID: "✕", Outcome.UNDETERMINED: "?"}
_CHART: Final = 100


class MatterPages:
    """Renders the pages for one window."""

    def __init__(self, settings: OfficeSettings, window: str) -> None:
        """Render for the window of this name."""
        loader = FileSystemLoader(Path(__file__).parents[1] / "templates")
        self._environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._common = {"window": window, "unit": settings.name}

    def _render(self, template: str, notice: Wording | None, **content: Any) -> str:
        page = self._environment.get_template(f"matters/{template}.html")
        return page.render(**self._common, notice=notice, **content)

    def matters(self, matters: tuple[Matter, ...]) -> str:
        """Return the list of what may be handed in here."""
        return self._render("list", None, matters=[_matter(one) for one in matters])

    def begin(self, matter: Matter, notice: Wording | None = None, detail: str = "") -> str:
        """Return the form with which a case begins."""
        kinds = [one for one in HOLDER_CODE_TYPES.values() if matter.takes(one.code)]
        people = [one for one in HOLDER_CODE_TYPES.values() if one.category == "natural"]
        told = {"matter": _matter(matter), "kinds": _common_first(kinds), "people": _common_first(people)}
        return self._render("begin", notice, detail=detail, **told)

    def case(
        self,
        draft: Draft,
        case: Case,
        resolutions: tuple[Resolution, ...],
        notice: Wording | None = None,
        detail: str = "",
    ) -> str:
        """Return a case as it stands."""
        told = case_json(case, resolutions)
        rows = [
            {**shown, "offers": [_offer(one) for one in resolution.hindrances], "paper": resolution.material.paper}
            for shown, resolution in zip(told["materials"], resolutions, strict=True)
        ]
        return self._render(
            "case",
            notice,
            detail=detail,
            matter=_matter(case.matter),
            case=told,
            id=draft.id,
            rows=rows,
            licences=[_shown(one) for one in case.shown],
            consent=draft.consent is not None,
        )

    def slip(self, filed: Filed) -> str:
        """Return the slip of an acceptance, to be printed."""
        return self._render(
            "slip",
            None,
            number=filed.number,
            slip=filed.slip,
            signed=filed.signed,
            accepted=_local(filed.slip["accepted_at"]),
        )

    def statistics(self, counts: list[Count]) -> str:
        """Return what was spared, by matter, department and region, with a chart."""
        groups = (
            ("按事项", "By matter", tally(counts, lambda one: one.matter)),
            ("按部门", "By department", tally(counts, lambda one: one.department)),
            ("按地区", "By region", tally(counts, lambda one: _region(one.region))),
        )
        tables = [
            {"title": zh, "title_en": en, "rows": [_bar(name, spared_json(one)) for name, one in found.items()]}
            for zh, en, found in groups
        ]
        total = tally(counts, lambda _: "")
        ways = [(way.value, *title(way)) for way in Settled]
        whole = spared_json(total[""]) if total else None
        return self._render("statistics", None, tables=tables, total=whole, ways=ways)

    def problem(self, notice: Wording) -> str:
        """Return a page that says what went wrong."""
        return self._render("problem", notice)


def _common_first(kinds: Iterable[Any]) -> list[Any]:
    return sorted(kinds, key=lambda one: (one.code not in ("111", "001"), one.code))


def _local(instant: str) -> str:
    """Return an instant of a slip, in RFC 3339, as people in China read it."""
    return local_time(datetime.fromisoformat(instant))


def _region(code: str) -> str:
    name = region_name(code)
    return code if name is None else f"{name.zh} {code}"


def _matter(matter: Matter) -> dict[str, Any]:
    return {
        "item_code": matter.item_code,
        "name": matter.name,
        "department": matter.department.name,
        "region": _region(matter.region),
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


def _shown(shown: Shown) -> dict[str, Any]:
    told = verdict_json(shown.verdict)
    return {**told, "icon": _ICONS[shown.verdict.outcome], "granted": shown.grant is not None}


def _bar(name: str, spared: dict[str, Any]) -> dict[str, Any]:
    share = round(_CHART * spared["spared"] / spared["materials"]) if spared["materials"] else 0
    return {"name": name, "share": share, **spared}
