"""The two questions that windows ask thousands of times a second, answered before the framework sees them.

Here a question is read only where it is asked in the usual way: a small JSON body that says nothing but codes' texts
and a matter. Everything else (pictures, records, evidence, and whatever is wrong) goes on to the framework's
route, untouched; so this accepts a part of what that route accepts, and errors are made in one place. Both answer by
the same functions, with the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

from ecert.qr import MAX_TEXT
from verifier.answers import answer, answer_many
from verifier.desk import Question
from verifier.keystrokes import undo_keyboard
from verifier.questions import MAX_BATCH, MAX_BATCH_BODY, MAX_TEXT_BODY, VERIFY, VERIFY_BATCH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from verifier.desk import Desk

_JSON: Final = b"application/json"
_Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
_Matter = Annotated[str, Meta(pattern=r"^[0-9A-Za-z._-]{1,64}\Z")]


class _Scan(Struct, forbid_unknown_fields=True, frozen=True):
    text: _Text
    matter: _Matter | None = None


class _One(Struct, forbid_unknown_fields=True, frozen=True):
    text: _Text


class _Scans(Struct, forbid_unknown_fields=True, frozen=True):
    licences: Annotated[list[_One], Meta(min_length=1, max_length=MAX_BATCH)]
    matter: _Matter | None = None


_SCAN: Final = Decoder(_Scan)
_SCANS: Final = Decoder(_Scans)


async def _answer_scan(desk: Desk, body: bytes) -> bytes:
    scan = _SCAN.decode(body)
    return await answer(desk, Question(undo_keyboard(scan.text), scan.matter))


async def _answer_scans(desk: Desk, body: bytes) -> bytes:
    scans = _SCANS.decode(body)
    return await answer_many(desk, [undo_keyboard(one.text) for one in scans.licences], scans.matter)


class HotPath:
    """Wraps the application within its handler of errors."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        """Answer from `desk`; pass on to `app` what is not a usual question."""
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        hot = _ROUTES.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if hot is None or not _usual(scope, hot.limit):
            await self._app(scope, receive, send)
            return
        messages, body = await _read(receive)
        try:
            content = None if body is None else await hot.answer(self._desk, body)
        except DecodeError:
            content = None
        if content is None:
            await self._app(scope, _again(messages, receive), send)
            return
        scope["route"] = hot
        headers = [(b"content-length", str(len(content)).encode()), (b"content-type", _JSON)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


class _Route(Struct, frozen=True):
    """A path with how it answers, and the most bytes of its usual bodies; `path` is also its name in the metrics."""

    path: str
    answer: Callable[[Desk, bytes], Awaitable[bytes]]
    limit: int


_ROUTES: Final = {
    route.path: route
    for route in (
        _Route(VERIFY, _answer_scan, MAX_TEXT_BODY),
        _Route(VERIFY_BATCH, _answer_scans, MAX_BATCH_BODY),
    )
}


def _usual(scope: Scope, limit: int) -> bool:
    """Tell whether a body is said to be JSON, and to be short."""
    length = kind = b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = value
        elif name == b"content-type":
            kind = value
    return kind == _JSON and len(length) < 9 and length.isdigit() and int(length) <= limit  # noqa: PLR2004


async def _read(receive: Receive) -> tuple[list[Message], bytes | None]:
    """Return the messages that came, and the body; None where the client went before it was whole."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    if messages[-1]["type"] != "http.request":
        return messages, None
    return messages, b"".join(message.get("body", b"") for message in messages)


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Return a `receive` that gives the messages once more, and then those that follow."""
    left = iter(messages)

    async def again() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return again
