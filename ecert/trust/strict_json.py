"""JSON of the trust registry: read from hostile bytes, bounded in length and depth, each key once, no fractions."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from ecert.errors import MalformedError, Reason

MAX_DEPTH: Final = 12
"""Levels of nesting; TUF metadata has seven."""

_MAX_DIGITS: Final = 15
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


def read_json(data: bytes, limit: int) -> Any:
    """Read UTF-8 JSON of at most `limit` bytes and 12 levels.

    Raises:
        MalformedError: TOO_LARGE; or REGISTRY_MALFORMED: not JSON, too deep, a repeated key, a fraction, a number
            of more than 15 digits.
    """
    if len(data) > limit:
        raise MalformedError(Reason.TOO_LARGE, f"more than {limit} bytes")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_each_key_once,
            parse_float=_no_fraction,
            parse_constant=_no_fraction,
            parse_int=_short_integer,
        )
    except (ValueError, RecursionError) as error:
        raise MalformedError(Reason.REGISTRY_MALFORMED, f"not JSON as the registry writes it: {error}") from error
    if _deeper_than(value, MAX_DEPTH):
        raise MalformedError(Reason.REGISTRY_MALFORMED, f"JSON of more than {MAX_DEPTH} levels")
    return value


def write_json(value: Any) -> bytes:
    """Write compact UTF-8 JSON with sorted keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is repeated")
    return value


def _no_fraction(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not a whole number")


def _short_integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(text)


def _deeper_than(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(one, dict | list) and (levels <= 1 or _deeper_than(one, levels - 1)) for one in inner)


def read_time(text: str) -> datetime:
    """Read an RFC 3339 instant of whole seconds in UTC, e.g. `2026-11-23T02:00:00Z`.

    Raises:
        ValueError: another notation, or no such instant.
    """
    if not _TIME.fullmatch(text):
        raise ValueError("an instant is not written YYYY-MM-DDThh:mm:ssZ")
    return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)


def write_time(instant: datetime) -> str:
    """Write what `read_time` reads; parts of a second are dropped."""
    return instant.astimezone(UTC).strftime(_TIME_FORMAT)


def read_bytes(text: str) -> bytes:
    """Read base64 with padding, in its one form.

    Raises:
        ValueError: not base64.
    """
    data = base64.b64decode(text, validate=True)
    if write_bytes(data) != text:
        raise ValueError("base64 is not in its one form")
    return data


def write_bytes(data: bytes) -> str:
    """Write base64 with padding."""
    return base64.b64encode(data).decode()
