"""Another region's service that answers badly is one that does not answer; what it refuses about a thing it may say."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from api.settings import PortalSettings
from api.showing.bodies import AnswerBody, DisclosureBody, ShowingBody
from api.showing.remote import MAX_ANSWER, RemotePortal
from ecert.errors import EcertError, NotFoundError, Reason, RejectedError, UndeterminedError
from ecert.sm2 import PrivateKey
from tests.api.showing.counter import WANG
from tests.serving import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request


@contextmanager
def portal(status: int, data: bytes, **headers: str) -> Iterator[RemotePortal]:
    """A portal to a service that always says the same."""

    async def answer(_: Request) -> Response:
        return Response(data, status, headers)

    with running(Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])) as address:
        settings = PortalSettings(region="310000", name="样例市", name_en="Sample City", address=address, signer="")
        client = httpx2.AsyncClient(trust_env=False)
        yield RemotePortal(settings, PrivateKey.generate(), client, lambda: datetime.now(UTC))


LICENCE: dict[str, Any] = {
    "key": "k" * 22,
    "identifier": "1.2.156",
    "type": "t",
    "title": {"zh": "样例", "en": "sample"},
    "region": "310000",
    "department": {"zh": "样例", "en": "sample"},
    "number": "1",
    "holder": "王*例",
    "state": "valid",
    "effective": "2026-01-01",
    "expiring": None,
    "file": False,
    "items": [],
}


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"licences": 7}'),
        (200, json.dumps({"licences": [LICENCE | {"key": "../../console"}]}).encode()),
        (200, json.dumps({"licences": [LICENCE | {"state": "wonderful"}]}).encode()),
        (200, json.dumps({"licences": [LICENCE | {"region": "440000"}]}).encode()),
        (200, b" " * (MAX_ANSWER + 1)),
        (500, b"{}"),
        (403, b'{"code": "forbidden"}'),
        (403, b"[" * 100_000),
        (404, b"not json"),
        (307, b""),
    ],
)
def test_whatever_is_no_answer_is_none(status: int, data: bytes) -> None:
    with portal(status, data, location="http://127.0.0.1:1/") as other, pytest.raises(UndeterminedError) as refused:
        asyncio.run(_licences(other))
    assert refused.value.reason is Reason.SOURCE_UNREACHABLE


@pytest.mark.parametrize("instant", ["2026-11-25T02:00:00", "9999-12-31T23:59:59Z", "1999-12-31T23:59:59Z"])
def test_an_instant_that_no_clock_of_china_could_show_is_none(instant: str) -> None:
    good = {"text": "a code", "key": "0" * 64, "purpose": "办事", "made_at": "2026-11-25T02:00:00Z"}
    with pytest.raises(ValidationError):
        ShowingBody.model_validate_json(json.dumps(good | {"ends_at": instant}))
    assert ShowingBody.model_validate_json(json.dumps(good | {"ends_at": "2026-11-25T02:01:00Z"}))


def test_a_good_answer_may_say_more_than_is_known_here() -> None:
    data = json.dumps({"licences": [LICENCE | {"later": 1}], "later": 2}).encode()
    with portal(200, data) as other:
        assert asyncio.run(_licences(other)) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [("licence-not-found", NotFoundError), ("consent-answered", RejectedError), ("consent-lapsed", RejectedError)],
)
def test_what_it_says_of_the_thing_that_was_asked_for_is_passed_on(code: str, kind: type[EcertError]) -> None:
    with portal(409, json.dumps({"code": code}).encode()) as other, pytest.raises(kind) as refused:
        asyncio.run(_answer(other))
    assert refused.value.reason.value == code


def test_a_service_is_not_asked_across_a_network_in_the_open() -> None:
    settings = PortalSettings(region="310000", name="市", name_en="C", address="http://other.example", signer="")
    with pytest.raises(RejectedError, match="neither an https address"):
        RemotePortal(settings, PrivateKey.generate(), httpx2.AsyncClient(), lambda: datetime.now(UTC))


async def _licences(other: RemotePortal) -> int:
    try:
        return len((await other.licences(WANG)).licences)
    finally:
        await other.client.aclose()


async def _answer(other: RemotePortal) -> None:
    try:
        await other.reveal(WANG, DisclosureBody(identifier="1.2.156"))
        await other.answer(WANG, "x", AnswerBody(answer="granted"))
    finally:
        await other.client.aclose()
