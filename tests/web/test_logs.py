from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ecert.errors import CustodyError, Reason
from ecert.web import problems
from ecert.web.logs import start_logging
from ecert.web.metrics import Metrics, Rim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message, Receive, Scope, Send

_TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.usefixtures("logging_as_before")
def test_a_line_is_one_json_object_with_the_time_and_who_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging()
    logging.getLogger("ecert.publisher").warning("第 %d 次\nsecond line", 2)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "第 2 次\nsecond line", "level": "warning", "logger": "ecert.publisher"}


@pytest.mark.usefixtures("logging_as_before")
def test_an_error_is_told_by_its_kind_and_place_and_never_by_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging()
    try:
        raise ValueError("张三 440106199001011234")  # noqa: TRY301
    except ValueError:
        logging.getLogger("ecert").exception("a batch stopped")
    text = capsys.readouterr().err
    line = json.loads(text)
    assert "440106" not in text
    assert "张三" not in text
    assert line["error"] == "ValueError"
    assert "test_logs.py" in line["raised"][-1]


@pytest.mark.usefixtures("logging_as_before")
def test_what_is_said_while_a_request_is_answered_carries_its_trace_id(capsys: pytest.CaptureFixture[str]) -> None:
    async def app(_: Scope, __: Receive, ___: Send) -> None:
        await asyncio.sleep(0)
        logging.getLogger("ecert.web").error("inside")

    async def answer(headers: list[tuple[bytes, bytes]]) -> None:
        scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}

        async def receive() -> Message:
            raise AssertionError

        async def send(_: Message) -> None:
            raise AssertionError

        await Rim(app, Metrics(), body_limit=1)(scope, receive, send)

    async def two() -> None:
        await asyncio.gather(answer([(b"traceparent", f"00-{_TRACE}-b7ad6b7169203331-01".encode())]), answer([]))

    start_logging()
    asyncio.run(two())
    one, other = lines(capsys)
    assert one["trace_id"] == _TRACE
    assert other["trace_id"] not in ("", _TRACE)


@pytest.mark.usefixtures("logging_as_before")
def test_what_a_caller_is_not_told_is_in_the_log_under_the_trace_id_of_the_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/{reason}")
    async def fail(reason: Reason) -> None:
        raise CustodyError(reason, "at /run/ecert/agent.sock: closed")

    start_logging()
    client = TestClient(Rim(app, Metrics(), body_limit=1))
    for reason, status, code in (
        (Reason.AGENT_UNREACHABLE, 503, "agent-unreachable"),
        (Reason.AGENT_RATE_EXCEEDED, 503, "agent-rate-exceeded"),
        (Reason.AGENT_APPROVAL_NEEDED, 503, "agent-approval-needed"),
        (Reason.KEY_MISMATCH, 500, "internal"),
    ):
        answer = client.get(f"/{reason}").json()
        (line,) = [one for one in lines(capsys) if one["logger"] == "ecert.web"]
        assert (answer["status"], answer["code"], answer["detail"]) == (status, code, "")
        assert line["event"].startswith(f"{reason}: at /run/ecert/agent.sock")
        assert line["trace_id"] == answer["trace_id"]
