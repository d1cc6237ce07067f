"""JSON as people like to read it: what is short stands on one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ecert.licence.codes import Phrase
from ecert.licence.strict_json import malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH: Final = 110
_STEP: Final = "  "
_DEEPEST: Final = 8 * len(_STEP)


def write(value: Any) -> bytes:
    """Write a value; what is no text in it (a half of a surrogate pair) is found when it is read back.

    Raises:
        MalformedError: TYPE_MALFORMED; it is nested too deep.
    """
    try:
        return _write(value, "").encode("utf-8", "surrogatepass")
    except RecursionError:
        raise malformed("", Phrase("JSON of few levels", "层数不多的 JSON")) from None


def _write(value: Any, indent: str) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(indent) >= _DEEPEST or _is_short(indent, line):
        return line
    inner = indent + _STEP
    if isinstance(value, list):
        return _lines("[]", (_write(one, inner) for one in value), indent)
    return _lines(
        "{}", (f"{json.dumps(key, ensure_ascii=False)}: {_write(one, inner)}" for key, one in value.items()), indent
    )


def _is_short(indent: str, line: str) -> bool:
    return bool(indent) and len(indent) + len(line) <= _WIDTH


def _lines(brackets: str, items: Iterable[str], indent: str) -> str:
    return brackets[0] + ",".join(f"\n{indent}{_STEP}{item}" for item in items) + f"\n{indent}{brackets[1]}"
