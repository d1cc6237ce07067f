"""The words for how a material was settled, for what stands in the way, and for what a clerk should look at."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ecert.wording import Wording

if TYPE_CHECKING:
    from ecert.matter.ways import Settled


class Obstacle(StrEnum):
    """Why a way did not work. Stored: append, never rename."""

    NOT_SHOWN = "not-shown"
    LICENCE_INVALID = "licence-invalid"
    LICENCE_UNDETERMINED = "licence-undetermined"
    FACE_ONLY = "face-only"
    FIELDS_MISSING = "fields-missing"
    WRONG_PERSON = "wrong-person"
    NAME_CHANGED = "name-changed"
    NO_AGENT = "no-agent"
    NO_GRANT = "no-grant"
    GRANT_UNFIT = "grant-unfit"
    NOT_SHARED = "not-shared"
    NOT_ISSUED = "not-issued"
    NO_EARLIER = "no-earlier"
    EARLIER_TOO_OLD = "earlier-too-old"
    NOT_PROMISED = "not-promised"
    PROMISE_BARRED = "promise-barred"
    NOT_DEFERRED = "not-deferred"


class Notice(StrEnum):
    """What a clerk should look at, though it is in nobody's way. Stored: append, never rename."""

    EXPIRES_SOON = "expires-soon"
    PARENT_CHANGED = "parent-changed"
    UNDER_DISPUTE = "under-dispute"
    FORMER_NAME = "former-name"


@cache
def _catalogue() -> Any:
    return json.loads(resources.files("ecert.matter").joinpath("words.json").read_text("utf-8"))


def title(settled: Settled) -> tuple[str, str]:
    """Return what a way is called in Chinese and in English."""
    zh, en = _catalogue()["settled"][settled.value]
    return zh, en


def obstacle_words(obstacle: Obstacle) -> Wording:
    """Return the words for what stands in the way, and what to do about it."""
    return Wording(*_catalogue()["obstacles"][obstacle.value])


def notice_words(notice: Notice) -> Wording:
    """Return the words for what a clerk should look at."""
    return Wording(*_catalogue()["notices"][notice.value])
