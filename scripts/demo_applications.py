"""What the demonstration's departments issue: applications of invented people and enterprises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from demo_portrait import portrait

if TYPE_CHECKING:
    from demo_country import Department

DATA = Path(__file__).parent / "demo-data"
WITH_PORTRAIT = ("resident-identity-card", "driving-licence", "social-security-card")


def applications_of(department: Department, slug: str) -> list[dict[str, object]]:
    """Return the applications of one type from a department's region, with a portrait where the type shows one."""
    shown = slug in WITH_PORTRAIT
    rows: list[dict[str, object]] = json.loads((DATA / f"{slug}.json").read_text("utf-8"))
    here = [row for row in rows if str(row["certificateAreaCode"])[:2] == department.region[:2]]
    return [{**row, "portrait": portrait(number)} if shown else row for number, row in enumerate(here)]
