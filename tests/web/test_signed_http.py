"""Signed requests over real HTTP: httpx2 sends, uvicorn receives, our functions sign and verify."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI, Request

from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.sm2 import PrivateKey, PublicKey
from ecert.web import problems
from ecert.web.message_signatures import authenticate, sign
from ecert.web.signature_base import Message, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = PrivateKey.generate()
KEY_ID = KEY.public_key.key_id.hex()
ORIGIN = "https://issuing.example"
BODY = '{"名称":"样例"}'.encode()


@dataclass
class Memory:
    known: set[tuple[str, str]] = field(default_factory=set)

    async def seen(self, nonce: str, keyid: str, until: datetime) -> bool:
        assert until > datetime.now(UTC)
        known = (nonce, keyid) in self.known
        self.known.add((nonce, keyid))
        return known


async def find_key(keyid: str) -> PublicKey | None:
    return {KEY_ID: KEY.public_key}.get(keyid)


def service() -> FastAPI:
    app, memory = FastAPI(openapi_url=None), Memory()
    problems.install(app)

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def whose(request: Request) -> dict[str, str]:
        message = message_of(request.scope, ORIGIN, await request.body())
        signature = await authenticate(message, find_key=find_key, nonces=memory, now=datetime.now(UTC))
        return {"keyid": signature.keyid}

    return app


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with serving(service()) as address, httpx2.Client(base_url=address, trust_env=False) as client:
        yield client


def send(client: httpx2.Client, method: str, path: str, body: bytes = b"", **change: Any) -> httpx2.Response:
    fields = {"Content-Type": "application/json", "Idempotency-Key": '"k1"'} if body else {}
    message = Message(method, ORIGIN + path, tuple(fields.items()), body)
    values: dict[str, Any] = {"keyid": KEY_ID, "created": datetime.now(UTC), "nonce": secrets.token_urlsafe(16)}
    headers = fields | sign(message, KEY, **values | change)
    return client.request(method, path, content=body, headers=headers)


@pytest.mark.parametrize(
    "path",
    ["/", "/a?b=c", "/a%2Fb/%E7%A4%BA?q=%20+&q=2", "/a//b/c", "/a;b=c,d?e=/?"],
)
def test_a_request_signed_by_a_client_is_authentic_at_the_server(client: httpx2.Client, path: str) -> None:
    for answer in (send(client, "GET", path), send(client, "POST", path, BODY)):
        assert (answer.status_code, answer.json()) == (200, {"keyid": KEY_ID})


def test_a_replayed_request_is_a_problem_with_a_stable_code(client: httpx2.Client) -> None:
    nonce = secrets.token_urlsafe(16)
    assert send(client, "GET", "/a", nonce=nonce).status_code == 200
    answer = send(client, "GET", "/a", nonce=nonce)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "request-replayed"
    assert answer.json()["title"] == "这个请求已经收到过"


def test_an_unsigned_request_is_a_problem(client: httpx2.Client) -> None:
    answer = client.get("/a")
    assert (answer.status_code, answer.json()["code"]) == (401, "request-unsigned")


def test_every_refusal_of_a_credential_is_a_401() -> None:
    credentials = [reason for reason in Reason if reason.startswith(("request-", "token-"))]
    for reason in set(credentials) - {Reason.REQUEST_MALFORMED}:
        assert problems.problem_for(RejectedError(reason)).status_code == 401
    assert problems.problem_for(MalformedError(Reason.REQUEST_MALFORMED)).status_code == 422


@pytest.mark.parametrize("reason", [Reason.CIPHERTEXT_BAD, Reason.CIPHERTEXT_MALFORMED])
def test_what_is_wrong_with_stored_data_is_told_to_nobody_outside(reason: Reason) -> None:
    problem = problems.problem_for(EcertError(reason, "row 17 of licences"))
    assert (problem.status_code, problem.code, problem.detail) == (500, Reason.INTERNAL, "")
