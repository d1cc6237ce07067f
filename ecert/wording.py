"""What people are told for each reason: one sentence and what to do next, in Chinese and English."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecert.errors import Reason


@dataclass(frozen=True, slots=True)
class Wording:
    """The words for one reason: what is the case, and what to do next."""

    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


@cache
def _catalogue() -> Mapping[str, Wording]:
    text = resources.files("ecert").joinpath("wording.json").read_text("utf-8")
    return {code: Wording(*words) for code, words in json.loads(text).items()}


def words(reason: Reason) -> Wording:
    """Return the words for a reason; every reason has some."""
    return _catalogue()[reason.value]
