"""Every case of `conformance/`, by our update, by our offline load, and by python-tuf as a second opinion.

`expected` is what our two ways come to; `offline` says where the second differs; `tuf` says where python-tuf does, with
a sentence why.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.trust.country import Country
from tests.trust.interpreter import Outcome, Run

CASES = sorted(path.parent for path in Path(__file__).parent.glob("conformance/*/case.json"))


@pytest.fixture(scope="module")
def country() -> Country:
    """python-tuf's client reads the machine's clock, so this country stands in the present."""
    return Country(datetime.now(UTC).replace(microsecond=0))


def expected(case: dict[str, Any]) -> Outcome:
    problems = case.get("problems", {})
    return Outcome(case.get("refused", ""), problems, tuple(sorted(case.get("unknown", problems))))


def carried_out(case: dict[str, Any], country: Country, folder: Path) -> Run:
    run = Run(country, folder)
    for step in case["steps"]:
        run.do(step)
    return run


@pytest.mark.parametrize("folder", CASES, ids=[case.name for case in CASES])
def test_a_case_ends_as_it_says_on_every_path(folder: Path, country: Country, tmp_path: Path) -> None:
    case = json.loads((folder / "case.json").read_text("utf-8"))
    run = carried_out(case, country, tmp_path)
    wanted = expected(case["expected"])
    assert run.online() == wanted
    assert run.offline() == expected(case.get("offline", case["expected"]))
    by_tuf, opinion = run.by_tuf(), case.get("tuf", case["expected"])
    assert bool(by_tuf.refused) == bool(opinion.get("refused")), by_tuf
    if not by_tuf.refused:
        assert by_tuf.unknown == expected(opinion).unknown


@pytest.mark.parametrize("folder", CASES, ids=[case.name for case in CASES])
def test_a_case_is_named_after_how_it_ends_and_says_why_opinions_differ(folder: Path) -> None:
    case = json.loads((folder / "case.json").read_text("utf-8"))
    assert folder.name.endswith("_fail") == (expected(case["expected"]) != Outcome())
    assert case["description"].endswith(".")
    assert "tuf" not in case or case["tuf"]["because"].endswith(".")
