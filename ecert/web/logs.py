"""What a service's process says of itself: one JSON object a line, on stderr, with nothing personal in it.

    {"event": "…", "level": "warning", "timestamp": "2026-11-25T08:00:00Z", "trace_id": "…"}

Of an error it says what kind it is and where it was raised, and not its words: those of a database or of a reader may
quote what somebody handed in.
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

TRACE: Final[ContextVar[str]] = ContextVar("trace_id")
"""The trace id of the request being answered."""
_FRAMES: Final = 12
"""The most places told of one error, the innermost ones."""


def start_logging() -> None:
    """Let everything that is logged from now on be written so."""
    before = (
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        _tell_error,
    )
    after = (
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=True),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=after))
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    trace_id = TRACE.get(None)
    if trace_id is not None:
        event["trace_id"] = trace_id
    return event


def _tell_error(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the kind and place of an error in the place of its words."""
    raised = event.pop("exc_info", None)
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        places = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        event["error"] = type(error).__name__
        event["raised"] = [f"{place.filename}:{place.lineno} {place.name}" for place in places]
    return event
