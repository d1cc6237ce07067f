"""Strict reading of JSON: bounded, no repeated keys, no unknown keys, every complaint with a JSON Pointer.

Used for type definitions, whose files are written by hand: the message has to say where the mistake stands.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn, TypeGuard, TypeVar

from ecert.errors import FieldProblem, MalformedError, Reason
from ecert.licence.codes import Phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

E = TypeVar("E", bound=StrEnum)

MAX_TEXT: Final = 256
"""The longest text in characters."""
MAX_ITEMS: Final = 256
"""The longest list."""

AN_OBJECT: Final = Phrase("an object", "一个对象")

_ANY: Final = re.compile(r"\S(?:.*\S)?")


def _matches(value: object, form: re.Pattern[str]) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable() and bool(form.fullmatch(value))


def pointer(*tokens: str) -> str:
    """Write an RFC 6901 JSON Pointer; `~` and `/` inside a token are escaped."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def malformed(at: str, expected: Phrase) -> MalformedError:
    """Make the error of a definition that at the pointer `at` does not hold what was expected."""
    problem = FieldProblem(at, expected.en, expected.zh)
    return MalformedError(Reason.TYPE_MALFORMED, f"{at or 'the document'}: expected {expected.en}", (problem,))


def one_of(choices: Iterable[str]) -> Phrase:
    """Say that one of these was expected."""
    choices = list(choices)
    return Phrase(f"one of {', '.join(choices)}", f"{'、'.join(choices)} 之一")


def _text_of(form: re.Pattern[str]) -> Phrase:
    return Phrase(
        f"text of the form {form.pattern}, at most {MAX_TEXT} characters",
        f"至多 {MAX_TEXT} 字的文字，格式 {form.pattern}",
    )


def _no_repeated_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is repeated")
    return value


def _no_constants(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def decode_json(data: bytes, limit: int) -> object:
    """Read UTF-8 JSON of at most `limit` bytes.

    Raises:
        MalformedError: TYPE_MALFORMED; too long, not UTF-8, not JSON, too deep, or a key is repeated.
    """
    if len(data) > limit:
        raise malformed("", Phrase(f"at most {limit} bytes", f"至多 {limit} 字节"))
    try:
        value: object = json.loads(
            data.decode("utf-8"), object_pairs_hook=_no_repeated_keys, parse_constant=_no_constants
        )
    except (ValueError, RecursionError):
        raise malformed("", Phrase("UTF-8 JSON without repeated keys", "UTF-8 JSON，键不重复")) from None
    return value


class Node:
    """A JSON object while it is read: every key is taken once, and `end` refuses what is left over.

    Every method that reads raises `MalformedError` (TYPE_MALFORMED) with the JSON Pointer of the mistake.
    """

    __slots__ = ("_left", "at")

    def __init__(self, value: object, at: str = "") -> None:
        """Start on `value`, which stands at the pointer `at`."""
        if not isinstance(value, dict):
            raise malformed(at, AN_OBJECT)
        self._left: dict[str, object] = dict(value)
        self.at = at

    def _take(self, key: str) -> tuple[object, str]:
        at = self.at + pointer(key)
        if key not in self._left:
            raise malformed(at, Phrase("a value; nothing stands here", "有值；此处没有内容"))
        return self._left.pop(key), at

    def has(self, key: str) -> bool:
        """Tell whether `key` is there and not yet taken."""
        return key in self._left

    def text(self, key: str, form: re.Pattern[str] = _ANY) -> str:
        """Take a text of 1 to 256 characters that `form` matches as a whole."""
        value, at = self._take(key)
        if not _matches(value, form):
            raise malformed(at, _text_of(form))
        return value

    def whole(self, key: str, low: int, high: int) -> int:
        """Take an integer from `low` to `high`, both included."""
        value, at = self._take(key)
        if type(value) is not int or not low <= value <= high:
            raise malformed(at, Phrase(f"a whole number from {low} to {high}", f"{low} 至 {high} 的整数"))
        return value

    def flag(self, key: str) -> bool:
        """Take true or false."""
        value, at = self._take(key)
        if not isinstance(value, bool):
            raise malformed(at, Phrase("true or false", "true 或 false"))
        return value

    def text_or_whole(self, key: str) -> str | int:
        """Take a text or an integer of any size."""
        value, at = self._take(key)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise malformed(at, Phrase("text or a whole number", "文字或整数"))
        return value

    def one_of(self, key: str, kind: type[E]) -> E:
        """Take one of the values of the enumeration `kind`."""
        value, at = self._take(key)
        if isinstance(value, str) and value in set(kind):
            return kind(value)
        raise malformed(at, one_of(kind))

    def child(self, key: str) -> Node:
        """Take an object."""
        return Node(*self._take(key))

    def children(self, key: str) -> Iterator[Node]:
        """Take a list of 0 to 256 objects."""
        return (Node(value, at) for value, at in self._list(key))

    def texts(self, key: str, form: re.Pattern[str] = _ANY) -> tuple[str, ...]:
        """Take a list of 1 to 256 different texts, each matched as a whole by `form`."""
        values = [value for value, _ in self._list(key)]
        texts = tuple(value for value in values if _matches(value, form))
        if not texts or len(set(texts)) != len(values):
            expected = Phrase(
                f"a list of different texts of the form {form.pattern}", f"互不相同的文字的列表，格式 {form.pattern}"
            )
            raise malformed(self.at + pointer(key), expected)
        return texts

    def _list(self, key: str) -> list[tuple[object, str]]:
        value, at = self._take(key)
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise malformed(at, Phrase(f"a list of at most {MAX_ITEMS}", f"至多 {MAX_ITEMS} 项的列表"))
        return [(item, f"{at}/{index}") for index, item in enumerate(value)]

    def end(self) -> None:
        """Refuse every key that was not taken."""
        for key in self._left:
            raise malformed(self.at + pointer(key), Phrase("no such key", "没有这个键"))
