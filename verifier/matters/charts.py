"""The statistics of spared submissions (免于提交) as a page shows them: sums, and bars by three ways of grouping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ecert.licence.codes import area_prefix, region_with_code
from ecert.matter import Settled, spared_json, tally
from ecert.matter.words import title

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ecert.matter import Count, Spared

WHOLE: Final = 1000
"""The length of the longest bar."""


def statistics_of(counts: Sequence[Count]) -> dict[str, Any]:
    """Return the sum over all acceptances, how often each way was taken, and the bars of every group."""
    total = tally(counts, lambda _: "")
    return {
        "total": spared_json(total[""]) if total else None,
        "share": _share(total[""]) if total else 0,
        "ways": [(way.value, way.spared, *title(way)) for way in Settled if way is not Settled.NEEDED],
        "charts": [
            {"title": zh, "title_en": en, "heading": heading, "bars": _bars(tally(counts, key))}
            for zh, en, heading, key in _GROUPS
        ],
    }


def _bars(groups: dict[str, Spared]) -> list[dict[str, Any]]:
    longest = max((one.materials for one in groups.values()), default=1) or 1
    ordered = sorted(groups.items(), key=lambda item: (-item[1].spared, item[0]))
    return [_bar(name, one, longest) for name, one in ordered]


def _bar(name: str, one: Spared, longest: int) -> dict[str, Any]:
    licences = one.by_way.get(Settled.LICENCE, 0)
    parts = (("licence", licences), ("other", one.spared - licences), ("paper", one.materials - one.spared))
    segments, at = [], 0
    for kind, count in parts:
        width = WHOLE * count // longest
        segments.append({"kind": kind, "x": at, "width": width, "count": count})
        at += width
    return {"name": name, "share": _share(one), "segments": segments, **spared_json(one)}


def _share(one: Spared) -> int:
    return 100 * one.spared // one.materials if one.materials else 0


def _places(one: Count) -> str:
    """Return where a case was accepted; and where it is handled, if that is another place."""
    if one.region.startswith(area_prefix(one.handled_in)):
        return region_with_code(one.region)
    return f"{region_with_code(one.region)} → {region_with_code(one.handled_in)}"


_GROUPS: Final[tuple[tuple[str, str, str, Callable[[Count], str]], ...]] = (
    ("按事项", "By matter", "事项", lambda one: one.matter),
    ("按部门", "By department", "部门", lambda one: one.department),
    ("按地区", "By region", "收件地区 → 办理地区", _places),
)
