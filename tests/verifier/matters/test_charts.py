"""The sums and bars of the statistics."""

from __future__ import annotations

from ecert.matter import Count, Settled
from verifier.matters.charts import WHOLE, statistics_of


def count(matter: str, *settled: Settled, region: str = "310115", handled_in: str = "310000") -> Count:
    return Count(matter, matter, "样例局", region, handled_in, settled)


def test_nothing_accepted_is_nothing_counted() -> None:
    told = statistics_of([])
    assert (told["total"], told["share"]) == (None, 0)
    assert [chart["bars"] for chart in told["charts"]] == [[], [], []]


def test_bars_are_made_up_of_licences_other_ways_and_what_was_handed_in() -> None:
    cases = [
        count("甲", Settled.LICENCE, Settled.SHARED, Settled.PAPER, Settled.DEFERRED),
        count("甲", Settled.LICENCE, Settled.LICENCE, Settled.CANCELLED, Settled.PROMISED),
        count("乙", Settled.REUSED, Settled.PAPER, region="440106"),
    ]
    told = statistics_of(cases)
    assert (told["total"]["cases"], told["total"]["spared"], told["total"]["materials"]) == (3, 7, 10)
    assert told["share"] == 70
    by_matter, _, by_region = told["charts"]
    first, second = by_matter["bars"]
    assert [(one["kind"], one["count"], one["width"]) for one in first["segments"]] == [
        ("licence", 3, 375),
        ("other", 3, 375),
        ("paper", 2, 250),
    ]
    assert first["segments"][-1]["x"] + first["segments"][-1]["width"] == WHOLE
    assert (second["name"], second["share"], second["segments"][0]["width"]) == ("乙", 50, 0)
    assert [one["name"] for one in by_region["bars"]] == ["上海市 310115", "广东省 440106 → 上海市 310000"]
