"""The short way to a verdict, beside the framework's: what both answer is the same to the byte."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ecert.qr import encode_text
from ecert.revocation import State
from tests.verifier.province import Province, now
from verifier.app import create_app
from verifier.hot import HotPath
from verifier.questions import VERIFY, VERIFY_BATCH
from verifier.services import Services, Settings, build_services
from verifier.update import update_from

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from ecert.issuance import SealedLicence
    from tests.verifier.servers import PublishingServer, WindowProcess

TRACE = "0af7651916cd43dd8448eb211c80319c"
SHORT = {"content-type": "application/json", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
LONG = SHORT | {"content-type": "application/json; charset=utf-8"}
"""The same to the framework; the short way takes only the usual spelling."""


@pytest.fixture
def licences(province: Province) -> list[SealedLicence]:
    """Return one in force and one revoked."""
    licences = [province.issue(0), province.issue(1)]
    province.decide(licences[1], State.REVOKED, reason="提供虚假材料")
    province.publish_pages()
    return licences


@pytest.fixture
def services(province: Province, licences: list[SealedLicence], folder: Path) -> Services:
    """Return a window whose clock stands still."""
    assert licences
    at = now()
    services = build_services(Settings(folder), lambda: at)
    assert all(error is None for _, error in update_from(services.keeper, str(province.folder)))
    return services


def text_of(licence: SealedLicence) -> str:
    return encode_text(licence.face, "zz.example")


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def post(app: Any, path: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://window") as client:
        return await client.post(path, content=body, headers=headers)


def both_ways(services: Services, path: str, question: object) -> list[httpx2.Response]:
    app = create_app(services)

    async def ask() -> list[httpx2.Response]:
        body = json.dumps(question, ensure_ascii=False).encode()
        return [await post(app, path, body, headers) for headers in (SHORT, LONG)]

    return asyncio.run(ask())


async def nobody(*_: object) -> None:
    raise AssertionError("the question was passed on")


TEXTS: dict[str, Callable[[str, str], str]] = {
    "in force": lambda good, _: good,
    "revoked": lambda _, bad: bad,
    "as a gun under an input method types it": lambda good, _: good.swapcase().replace(":", "：") + "\r",
    "damaged": lambda good, _: good[:-4] + "0000",
    "another link": lambda *_: "https://example.com/",
    "words": lambda *_: '证照 "\\ \x01\x7f\u2028 😀',
}
MATTERS = [{}, {"matter": None}, {"matter": "440100001001"}]


@pytest.mark.parametrize("matter", MATTERS, ids=str)
@pytest.mark.parametrize("what", TEXTS)
def test_one_text_is_answered_by_the_same_bytes_both_ways(
    services: Services, licences: list[SealedLicence], what: str, matter: dict[str, str | None]
) -> None:
    question = {"text": TEXTS[what](*map(text_of, licences))} | matter
    short, long = both_ways(services, VERIFY, question)
    assert short.status_code == long.status_code == 200
    assert short.content == long.content
    assert short.headers == long.headers
    assert short.json()["outcome"] == (
        "valid" if what in {"in force", "as a gun under an input method types it"} else "invalid"
    )
    answered = asyncio.run(post(HotPath(nobody, services.desk), VERIFY, json.dumps(question).encode(), SHORT))
    assert answered.content == short.content


@pytest.mark.parametrize("matter", MATTERS, ids=str)
def test_many_texts_are_answered_by_the_same_bytes_both_ways_each_as_alone(
    services: Services, licences: list[SealedLicence], matter: dict[str, str | None]
) -> None:
    texts = [make(*map(text_of, licences)) for make in TEXTS.values()] * 20
    short, long = both_ways(services, VERIFY_BATCH, {"licences": [{"text": text} for text in texts]} | matter)
    assert short.status_code == long.status_code == 200
    assert short.content == long.content
    assert short.headers == long.headers
    alone = [both_ways(services, VERIFY, {"text": text} | matter)[0].json() for text in texts[: len(TEXTS)]]
    assert short.json() == {"verdicts": alone * 20}


def test_records_among_many_go_the_long_way_and_keep_their_place(
    services: Services, licences: list[SealedLicence]
) -> None:
    good, bad = licences
    rows = [{"record": base64_of(bad.record)}, {"text": text_of(good)}, {"record": base64_of(good.face)}]
    short, long = both_ways(services, VERIFY_BATCH, {"licences": rows})
    assert short.content == long.content
    assert [verdict["reason"] for verdict in short.json()["verdicts"]] == ["revoked", "ok", "ok"]


WRONG: dict[str, tuple[str, Any, str]] = {
    "no licences": (VERIFY_BATCH, {"licences": []}, "/licences"),
    "too many": (VERIFY_BATCH, {"licences": [{"text": "x"}] * 257}, "/licences"),
    "none said": (VERIFY_BATCH, {}, "/licences"),
    "one empty": (VERIFY_BATCH, {"licences": [{"text": "x"}, {"text": ""}]}, "/licences/1/text"),
    "one over-long": (VERIFY_BATCH, {"licences": [{"text": "x" * 4097}]}, "/licences/0/text"),
    "one of neither": (VERIFY_BATCH, {"licences": [{}]}, "/licences/0"),
    "one of both": (VERIFY_BATCH, {"licences": [{"text": "x", "record": "AA=="}]}, "/licences/0"),
    "a picture": (VERIFY_BATCH, {"licences": [{"picture": "AA=="}]}, "/licences/0/picture"),
    "a matter with a line end": (VERIFY, {"text": "x", "matter": "1\n"}, "/matter"),
    "a number": (VERIFY, {"text": 1}, "/text"),
    "an unknown member": (VERIFY, {"text": "x", "at": "2020"}, "/at"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_the_same_problem_both_ways(services: Services, what: str) -> None:
    path, question, pointer = WRONG[what]
    short, long = both_ways(services, path, question)
    assert short.status_code == long.status_code == 422
    assert short.content == long.content
    assert short.headers["content-type"] == "application/problem+json"
    assert short.json()["trace_id"] == TRACE
    assert pointer in [error["pointer"] for error in short.json()["errors"]]


def test_a_body_over_the_limit_is_refused_both_ways(services: Services) -> None:
    body = b" " * (2 * 1024 * 1024 + 1)
    for headers in (SHORT, LONG):
        answer = asyncio.run(post(create_app(services), VERIFY_BATCH, body, headers))
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_what_breaks_inside_is_a_problem_that_says_nothing(services: Services) -> None:
    class BrokenError(Exception):
        pass

    def broken() -> Any:
        raise BrokenError("secret")

    services.keeper.clock = broken
    for answer in both_ways(services, VERIFY, {"text": "x"}):
        assert (answer.status_code, answer.json()["code"], answer.json()["trace_id"]) == (500, "internal", TRACE)
        assert "secret" not in answer.text


def test_a_body_that_comes_in_pieces_is_read_whole_and_one_that_ends_early_is_not_answered(
    services: Services, licences: list[SealedLicence]
) -> None:
    body = json.dumps({"text": text_of(licences[0])}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": VERIFY, "headers": headers}
    first = {"type": "http.request", "body": body[:20], "more_body": True}

    def ask(*messages: dict[str, Any], app: Callable[..., Coroutine[Any, Any, None]]) -> list[dict[str, Any]]:
        left, sent = list(messages), []

        async def receive() -> dict[str, Any]:
            return left.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(HotPath(app, services.desk)(dict(scope), receive, send))
        return sent

    sent = ask(first, {"type": "http.request", "body": body[20:]}, app=nobody)
    assert json.loads(sent[1]["body"])["outcome"] == "valid"
    passed_on = []

    async def framework(_: object, receive: Callable[[], Coroutine[Any, Any, Any]], __: object) -> None:
        passed_on.extend([await receive(), await receive()])

    gone = {"type": "http.disconnect"}
    assert ask(first, gone, app=framework) == []
    assert passed_on == [first, gone]


def test_both_ways_are_counted_under_the_route_and_bear_the_common_headers(
    services: Services, licences: list[SealedLicence]
) -> None:
    for path, question in (
        (VERIFY, {"text": text_of(licences[0])}),
        (VERIFY_BATCH, {"licences": [{"text": text_of(licences[0])}]}),
    ):
        for answer in both_ways(services, path, question):
            assert answer.headers["cache-control"] == "no-store"
    families = text_string_to_metric_families(services.metrics.render().decode())
    counted = {
        sample.labels["route"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "ecert_http_requests_total"
    }
    assert counted == {VERIFY: 2, VERIFY_BATCH: 2}


def test_among_many_details_are_fetched_as_for_one(
    licences: list[SealedLicence], publisher: PublishingServer, window: WindowProcess
) -> None:
    window.reaches(2)
    question = {"licences": [{"text": text_of(licence)} for licence in licences]}
    answer = httpx2.post(f"{window.url}{VERIFY_BATCH}", json=question, timeout=30).json()
    good, bad = answer["verdicts"]
    assert good["outcome"] == "valid"
    assert bad["licence"]["status_event"]["reason"] == "提供虚假材料"
    assert any("/pages/" in path for path in publisher.requests)
