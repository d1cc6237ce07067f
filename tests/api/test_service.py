"""The publisher's service, over a real port."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from api.app import create_app
from api.ledger import SqlLedger
from api.services import open_services
from api.windows import WindowBook
from ecert import envelope
from ecert.errors import EcertError, Reason
from ecert.licence.record import MAX_RECORD
from ecert.revocation import State, load_delta
from ecert.revocation.issued import existed_by, leaf_hash
from ecert.sm2 import sm3
from tests.api.province import GUANGDONG, SHANGHAI, Provinces
from tests.serving import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.issuance import SealedLicence


@contextmanager
def serving(provinces: Provinces, *regions: str) -> Iterator[httpx2.Client]:
    ledgers = [provinces.ledger(region) for region in regions or (GUANGDONG,)]
    services = open_services(provinces.published, ledgers, lambda: datetime.now(UTC))
    with running(create_app(services)) as address, httpx2.Client(base_url=address, timeout=30) as client:
        yield client


@pytest.fixture
def licence(provinces: Provinces) -> SealedLicence:
    licence = provinces.issue()
    provinces.publish()
    return licence


@pytest.fixture
def client(provinces: Provinces, licence: SealedLicence) -> Iterator[httpx2.Client]:
    assert licence
    with serving(provinces) as client:
        yield client


def token(provinces: Provinces, name: str, *, operator: bool = False) -> dict[str, str]:
    with SqlLedger(provinces.ledger()) as book:
        made = WindowBook(book.database).add(name, operator=operator, at=provinces.now)
    return {"Authorization": f"Bearer {made}"}


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body: dict[str, Any] = answer.json()
    assert (body["code"], body["status"], len(body["trace_id"])) == (code, status, 32)
    return body


def test_files_are_served_as_they_lie_with_strong_tags(client: httpx2.Client, provinces: Provinces) -> None:
    for path in (
        f"status/{GUANGDONG}/snapshot.bin",
        f"status/{GUANGDONG}/deltas/1.bin",
        f"status/{GUANGDONG}/head.json",
        "registry/metadata/timestamp.json",
        *(f"registry/{one}" for one in provinces.repository.published if one.startswith("targets/")),
    ):
        answer = client.get(f"/{path}")
        assert answer.status_code == 200
        assert answer.content == (provinces.published / path).read_bytes()
        tag = answer.headers["etag"]
        assert tag.startswith('"')
        for tags in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = client.get(f"/{path}", headers={"If-None-Match": tags})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert client.get(f"/{path}", headers={"If-None-Match": '"other"'}).status_code == 200
        assert client.head(f"/{path}").headers["content-length"] == str(len(answer.content))
    assert "immutable" in client.get(f"/status/{GUANGDONG}/deltas/1.bin").headers["cache-control"]
    assert client.get(f"/status/{GUANGDONG}/snapshot.bin").headers["cache-control"] == "no-cache"


def test_a_file_that_changes_is_served_anew(client: httpx2.Client, provinces: Provinces) -> None:
    path = f"/status/{GUANGDONG}/snapshot.bin"
    before = client.get(path)
    provinces.now += timedelta(seconds=1)
    provinces.publish()
    after = client.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.content != before.content


@pytest.mark.parametrize(
    "path",
    [
        "/status/../ledger-440000.db",
        "/status/%2e%2e/ledger-440000.db",
        "/status/..%2fledger-440000.db",
        "/status/440000/%2e%2e/%2e%2e/%2e%2e/ledger-440000.db",
        "/status//etc/passwd",
        "/status/440000/.head.json.tmp",
        "/status/440000",
        "/status/440000/deltas",
        "/status/440000/link.bin",
        "/status/440000/deltas/2.bin",
        "/status/440000/head.json%00",
        "/status/" + "a/" * 20,
        "/status/" + "a" * 1000,
        "/status/999999/head.json",
        "/registry/",
        "/registry/ü",
        "/",
        "/ledger-440000.db",
    ],
)
def test_nothing_else_is_served(client: httpx2.Client, provinces: Provinces, path: str) -> None:
    (provinces.published / "status" / GUANGDONG / ".head.json.tmp").write_bytes(b"half")
    (provinces.published / "status" / GUANGDONG / "link.bin").symlink_to(provinces.ledger())
    problem(client.get(path), 404, "not-found")


def test_methods_and_queries_that_are_none_are_problems(client: httpx2.Client) -> None:
    problem(client.post(f"/status/{GUANGDONG}/snapshot.bin"), 405, "method-not-allowed")
    for query in ("wait=26", "wait=-1", "after=x", "wait=1.5", "after=99999999999999999999"):
        body = problem(client.get(f"/status/{GUANGDONG}/head.json?{query}"), 422, "request-invalid")
        assert body["errors"][0]["pointer"] == "/" + query.split("=")[0]


def test_who_waits_is_answered_as_soon_as_there_is_news(client: httpx2.Client, provinces: Provinces) -> None:
    def wait(after: int, seconds: int = 20) -> None:
        answer = client.get(f"/status/{GUANGDONG}/head.json?after={after}&wait={seconds}")
        answers.append((answer.json()["sequence"], time.monotonic()))

    answers: list[tuple[int, float]] = []
    began = time.monotonic()
    wait(0)
    assert answers.pop()[1] - began < 5
    wait(1, 1)
    assert time.monotonic() - began > 1
    assert answers.pop()[0] == 1
    waiting = [threading.Thread(target=wait, args=(1,)) for _ in range(40)]
    for thread in waiting:
        thread.start()
    time.sleep(0.5)
    assert "ecert_waiting 40.0" in client.get("/metrics").text
    provinces.now += timedelta(seconds=1)
    provinces.publish()
    put_out = time.monotonic()
    for thread in waiting:
        thread.join()
    assert [sequence for sequence, _ in answers] == [2] * 40
    assert max(at for _, at in answers) - put_out < 5
    assert "ecert_waiting 0.0" in client.get("/metrics").text


def test_a_window_follows_the_chain_over_http(
    client: httpx2.Client, provinces: Provinces, licence: SealedLicence
) -> None:
    held = provinces.window()
    provinces.decide(licence, State.REVOKED)
    provinces.publish()
    sequence = client.get(f"/status/{GUANGDONG}/head.json?after={held.sequence}&wait=20").json()["sequence"]
    delta = client.get(f"/status/{GUANGDONG}/deltas/{sequence}.bin").content
    taken = load_delta(delta, provinces.registry, held, now=provinces.now)
    with SqlLedger(provinces.ledger()) as book:
        intent = book.issued(licence.identifier)
    assert taken.mark(intent.key_id, intent.status).state is State.REVOKED


def test_evidence_is_made_on_demand(client: httpx2.Client, provinces: Provinces, licence: SealedLicence) -> None:
    record = envelope.decode(licence.record, limit=MAX_RECORD)
    face = envelope.decode(licence.face, limit=MAX_RECORD)
    digests = (sm3(record.payload), sm3(face.payload))
    leaf = leaf_hash(record.key_id, *digests)
    for digest in (leaf, digests[0]):
        answer = client.get(f"/status/{GUANGDONG}/issued/proofs/{digest.hex()}")
        assert answer.status_code == 200
        existed = existed_by(answer.content, provinces.registry, key_id=record.key_id, record_digest=digests[0])
        assert existed == provinces.now
    problem(client.get(f"/status/{GUANGDONG}/issued/proofs/{bytes(32).hex()}"), 404, "licence-not-found")
    problem(client.get(f"/status/{SHANGHAI}/issued/proofs/{leaf.hex()}"), 404, "licence-not-found")
    problem(client.get(f"/status/{GUANGDONG}/issued/proofs/{leaf.hex().upper()}"), 404, "not-found")
    problem(client.get(f"/status/{GUANGDONG}/issued/proofs/x"), 404, "not-found")


def receipt(sequence: int, **more: object) -> dict[str, object]:
    return {"registry": 1, "regions": {GUANGDONG: sequence}, "at": "2026-11-23T10:00:00+08:00"} | more


def test_operators_see_which_windows_have_come_how_far(client: httpx2.Client, provinces: Provinces) -> None:
    first, second = token(provinces, "一号窗口"), token(provinces, "二号窗口")
    operator = token(provinces, "运维", operator=True)
    token(provinces, "三号窗口")
    provinces.now += timedelta(seconds=5)
    provinces.publish()
    for headers, sequence in ((first, 1), (first, 2), (first, 2), (second, 1)):
        answer = client.post("/api/v1/receipts", json=receipt(sequence), headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
    (region,) = client.get("/api/v1/receipts", headers=operator).json()["regions"]
    assert {key: region[key] for key in ("region", "sequence", "windows", "reached", "behind_count")} == {
        "region": GUANGDONG,
        "sequence": 2,
        "windows": 3,
        "reached": 1,
        "behind_count": 2,
    }
    since = {one["window"]: (one["sequence"], one["since"], one["reported_at"] is None) for one in region["behind"]}
    registered = (provinces.now - timedelta(seconds=5)).isoformat()
    assert set(since) == {"二号窗口", "三号窗口"}
    assert since["二号窗口"][0::2] == (1, False)
    assert since["三号窗口"][0::2] == (0, True)
    assert datetime.fromisoformat(since["二号窗口"][1]) == provinces.now
    assert datetime.fromisoformat(since["三号窗口"][1]) == datetime.fromisoformat(registered)


def test_receipts_outlive_the_service(provinces: Provinces, licence: SealedLicence) -> None:
    assert licence
    headers = token(provinces, "一号窗口")
    with serving(provinces) as client:
        client.post("/api/v1/receipts", json=receipt(1), headers=headers)
    operator = token(provinces, "运维", operator=True)
    with serving(provinces) as client:
        (region,) = client.get("/api/v1/receipts", headers=operator).json()["regions"]
    assert (region["reached"], region["behind"]) == (1, [])


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x", "Bearer " + "A" * 43, "Basic " + "A" * 43])
def test_only_registered_windows_report(client: httpx2.Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for answer in (
        client.post("/api/v1/receipts", json=receipt(1), headers=headers),
        client.get("/api/v1/receipts", headers=headers),
    ):
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_window_does_not_see_what_others_report(client: httpx2.Client, provinces: Provinces) -> None:
    problem(client.get("/api/v1/receipts", headers=token(provinces, "一号窗口")), 403, "unauthenticated")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (receipt(1, surprise=1), "/surprise"),
        (receipt(-1), f"/regions/{GUANGDONG}"),
        (receipt(1, registry="1"), "/registry"),
        (receipt(1, registry=1.5), "/registry"),
        (receipt(1, registry=True), "/registry"),
        (receipt(1, registry=1 << 53), "/registry"),
        (receipt(1, regions={"../etc": 1}), "/regions"),
        (receipt(1, regions={f"{number:06d}": 1 for number in range(513)}), "/regions"),
        (receipt(1, at="2026-11-23T10:00:00"), "/at"),
        (receipt(1, at=1700000000), "/at"),
        (receipt(1, at="yesterday"), "/at"),
        ([], ""),
        ("{", ""),
    ],
)
def test_a_receipt_that_is_none_is_refused_by_its_pointer(
    client: httpx2.Client, provinces: Provinces, body: object, pointer: str
) -> None:
    data = body if isinstance(body, str) else json.dumps(body)
    answer = client.post("/api/v1/receipts", content=data, headers=token(provinces, "一号窗口"))
    (first, *_) = problem(answer, 422, "request-invalid")["errors"]
    assert first["pointer"].startswith(pointer)


def test_a_body_that_is_too_long_is_refused(client: httpx2.Client, provinces: Provinces) -> None:
    headers = token(provinces, "一号窗口")
    problem(client.post("/api/v1/receipts", content=b" " * 70_000, headers=headers), 413, "too-large")
    chunks = (b" " * 10_000 for _ in range(10))
    problem(client.post("/api/v1/receipts", content=chunks, headers=headers), 413, "too-large")


def test_health_tells_versions_ages_and_freshness(client: httpx2.Client, provinces: Provinces) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    answer = client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["ready"], body["problem"]) == (200, True, None)
    assert (body["registry"]["version"], body["registry"]["fresh"]) == (1, True)
    assert body["regions"][GUANGDONG]["sequence"] == 1
    assert body["regions"][GUANGDONG]["age_seconds"] < 60
    assert not {"database", "keys"} & body.keys()
    provinces.now += timedelta(seconds=1)
    provinces.put_out_registry()
    provinces.publish()
    body = client.get("/readyz").json()
    assert (body["registry"]["version"], body["regions"][GUANGDONG]["sequence"]) == (2, 2)
    metrics = client.get("/metrics").text
    assert 'ecert_status_sequence{region="440000"} 2.0' in metrics
    assert "ecert_registry_fresh_seconds" in metrics
    assert 'ecert_http_requests_total{method="GET",route="/readyz",status="200"} 2.0' in metrics
    (provinces.published / "registry" / "metadata" / "timestamp.json").write_bytes(b"{}")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert answer.json()["registry"]["version"] == 2


def test_requests_are_counted_by_template_and_never_by_what_strangers_ask(client: httpx2.Client) -> None:
    client.get(f"/status/{GUANGDONG}/snapshot.bin")
    client.get("/status/secret-name")
    client.get("/stranger")
    metrics = client.get("/metrics").text
    assert 'route="/status/{path:path}",status="200"' in metrics
    assert "secret-name" not in metrics
    assert "stranger" not in metrics


def test_several_regions_publish_through_one_service(provinces: Provinces) -> None:
    for region in (GUANGDONG, SHANGHAI):
        provinces.issue("business-licence", region)
        provinces.publish(region)
    operator = token(provinces, "运维", operator=True)
    with serving(provinces, GUANGDONG, SHANGHAI) as client:
        regions = client.get("/api/v1/receipts", headers=operator).json()["regions"]
    assert [region["region"] for region in regions] == [GUANGDONG, SHANGHAI]


def test_nothing_is_served_from_a_folder_or_ledger_that_cannot_be_used(provinces: Provinces) -> None:
    def opening(**changes: Any) -> EcertError:
        arguments = {"published": provinces.published, "ledgers": [provinces.ledger()], **changes}
        with pytest.raises(EcertError) as caught:
            open_services(**arguments, clock=lambda: datetime.now(UTC))
        return caught.value

    provinces.publish()
    assert opening(published=provinces.folder / "nothing").reason is Reason.REGISTRY_MISSING
    assert opening(ledgers=[]).reason is Reason.USAGE
    (provinces.folder / "file").write_bytes(b"no ledger, but long enough to be something else")
    assert opening(ledgers=[provinces.folder / "file"]).reason is Reason.DATA_MALFORMED
    with pytest.raises(FileNotFoundError):
        opening(ledgers=[provinces.folder / "none.db"])
