"""Charts drawn on the server."""

from __future__ import annotations

from datetime import date

from lxml import etree

from api.console.charts import bar, column_chart, stacked_bar

DAYS = [(date(2026, 11, day), count) for day, count in ((1, 0), (2, 50), (3, 100))]


def test_columns_are_as_high_as_their_counts_and_say_them() -> None:
    root = etree.fromstring(column_chart("Issued", DAYS))
    heights = [float(one.get("height", "0")) for one in root.findall("rect")]
    assert heights[0] == 0
    assert abs(heights[2] - 2 * heights[1]) < 0.1
    assert root.findtext("title") == "Issued"
    assert root.findtext("desc") == "11-01 0；11-02 50；11-03 100"


def test_a_chart_of_nothing_at_all_is_drawn() -> None:
    root = etree.fromstring(column_chart("Issued", [(date(2026, 11, 1), 0)]))
    assert root.find("rect") is not None


def test_a_title_from_outside_is_text() -> None:
    assert etree.fromstring(column_chart("<b>&", DAYS)).findtext("title") == "<b>&"


def test_bars_are_shares() -> None:
    assert etree.fromstring(bar(25, 100))[1].get("width") == "25.0"
    assert etree.fromstring(bar(0, 0))[1].get("width") == "0"
    parts = [(one.get("x"), one.get("width")) for one in etree.fromstring(stacked_bar([("a", 1), ("b", 3)]))]
    assert parts == [("0.0", "25.0"), ("25.0", "75.0")]
