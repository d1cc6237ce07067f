"""What exactly was wrong, as a clerk reads it: instants by the clocks of China, where a code was used."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ecert.report import local_time

if TYPE_CHECKING:
    from ecert.errors import EcertError

_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_SAID: Final = (
    (re.compile(r"it was used at (.+), at (.+)"), r"使用时间 \1，使用窗口 \2"),
    (re.compile(r"it was good until (.+)"), r"有效至 \1"),
)
"""What `ecert.presentation.redeem` says, and in Chinese."""


def detail_of(error: EcertError) -> str:
    """Return the detail of an error."""
    told = _INSTANT.sub(_locally, error.detail)
    for english, chinese in _SAID:
        told = english.sub(chinese, told)
    return told


def _locally(found: re.Match[str]) -> str:
    try:
        return local_time(datetime.fromisoformat(found[0]))
    except (ValueError, OverflowError):
        return found[0]  # what another service wrote is no instant
