"""The window as a process of its own, asked over HTTP."""

from __future__ import annotations

import base64
import json
import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import Response

from ecert.cli.pixels import draw_png
from ecert.qr import encode_text
from ecert.revocation import Flag, Mark, State
from tests.verifier.province import REGION, Province, now
from tests.verifier.servers import PublishingServer, WindowProcess

if TYPE_CHECKING:
    from pathlib import Path

    from ecert.issuance import SealedLicence


def text_of(licence: SealedLicence) -> str:
    return encode_text(licence.face, "zz.example")


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_licence_is_valid_as_text_as_record_and_as_picture(province: Province, window: WindowProcess) -> None:
    licence = province.issue()
    for question in (
        {"text": text_of(licence)},
        {"text": text_of(licence).swapcase().replace(":", "：") + "\r"},
        {"record": base64_of(licence.record)},
        {"record": base64_of(licence.face)},
        {"picture": base64_of(draw_png(text_of(licence)))},
        {"text": text_of(licence), "matter": "440100001001", "evidence": []},
    ):
        verdict = window.verify(**question)
        assert (verdict["outcome"], verdict["reason"]) == ("valid", "ok")
        assert len(verdict["checks"]) == 12
        assert verdict["freshness"]["status"]["age_seconds"] < 60


def test_a_revocation_is_known_within_two_seconds_with_its_details(province: Province, window: WindowProcess) -> None:
    licence = province.issue()
    assert window.verify(text=text_of(licence))["outcome"] == "valid"
    began = time.monotonic()
    province.decide(licence, State.REVOKED, reason="提供虚假材料")
    province.publish_pages()
    while (verdict := window.verify(text=text_of(licence)))["outcome"] == "valid":
        assert time.monotonic() - began < 2
    assert verdict["reason"] == "revoked"
    assert verdict["licence"]["status_event"]["reason"] == "提供虚假材料"


def test_a_publisher_that_hangs_delays_an_answer_by_a_second_and_only_once(
    province: Province, publisher: PublishingServer, window: WindowProcess
) -> None:
    licence = province.issue()
    window.reaches(province.decide(licence, State.REVOKED))
    publisher.delays["status/440000/pages/"] = 30
    began = time.monotonic()
    assert window.verify(text=text_of(licence))["reason"] == "revoked"
    assert 0.5 < time.monotonic() - began < 3
    began = time.monotonic()
    assert window.verify(text=text_of(licence))["reason"] == "revoked"
    assert time.monotonic() - began < 0.5


def test_after_a_theft_of_the_key_only_what_the_region_can_prove_to_be_older_is_valid(
    province: Province, window: WindowProcess
) -> None:
    proven, unproven = province.issue(0), province.issue(1)
    province.publish_proof(proven)
    time.sleep(1.1)
    province.lose_key(now())
    deadline = time.monotonic() + 20
    while (verdict := window.verify(text=text_of(unproven)))["outcome"] == "valid":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert (verdict["outcome"], verdict["reason"]) == ("undetermined", "issuer-key-compromised")
    assert window.verify(text=text_of(proven))["outcome"] == "valid"
    assert window.verify(record=base64_of(proven.record))["outcome"] == "valid"


BAD_REQUESTS: dict[str, tuple[Any, int, str, str]] = {
    "nothing": ({}, 422, "request-invalid", ""),
    "two things": ({"text": "x", "record": "AA=="}, 422, "request-invalid", ""),
    "an unknown member": ({"text": "x", "at": "2020"}, 422, "request-invalid", "/at"),
    "a number for a text": ({"text": 1}, 422, "request-invalid", "/text"),
    "an over-long text": ({"text": "x" * 4097}, 422, "request-invalid", "/text"),
    "no base64": ({"record": "!!!"}, 422, "request-invalid", "/record"),
    "loose base64": ({"record": "AA=\n="}, 422, "request-invalid", "/record"),
    "empty base64": ({"picture": ""}, 422, "request-invalid", "/picture"),
    "an over-long record": ({"record": "A" * 4_000_000}, 422, "request-invalid", "/record"),
    "too much evidence": ({"text": "x", "evidence": ["AA=="] * 9}, 422, "request-invalid", "/evidence"),
    "over-long evidence": ({"text": "x", "evidence": ["A" * 8000]}, 422, "request-invalid", "/evidence/0"),
    "an odd matter": ({"text": "x", "matter": "../x"}, 422, "request-invalid", "/matter"),
    "a list": ([], 422, "request-invalid", ""),
    "no JSON": (b"{", 422, "request-invalid", ""),
    "JSON too deep": (b'{"text":' + b"[" * 100_000, 400, "request-invalid", ""),
    "too many bytes": (b" " * 29_000_000, 413, "too-large", ""),
}


def test_what_is_not_a_question_is_answered_by_a_problem_that_says_where(window: WindowProcess) -> None:
    for what, (body, status, code, pointer) in BAD_REQUESTS.items():
        content = body if isinstance(body, bytes) else json.dumps(body)
        answer = httpx2.post(
            f"{window.url}/api/v1/verify", content=content, headers={"Content-Type": "application/json"}, timeout=30
        )
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code), (what, problem)
        assert answer.headers["content-type"] == "application/problem+json"
        assert re.fullmatch(r"[0-9a-f]{32}", problem["trace_id"])
        if status == 422:
            assert [error["pointer"] for error in problem["errors"]] == [pointer], (what, problem)
    assert "Traceback" not in window.log.read_text("utf-8")


def test_bad_licences_are_answers_and_not_errors(province: Province, window: WindowProcess) -> None:
    licence = province.issue()
    altered = bytearray(licence.face)
    altered[60] ^= 1
    for question, outcome in (
        ({"text": "hello"}, "invalid"),
        ({"record": base64_of(b"\x00" * 100)}, "invalid"),
        ({"record": base64_of(bytes(altered))}, "invalid"),
        ({"picture": base64_of(b"\x89PNG rubbish")}, "invalid"),
        ({"picture": base64_of(draw_png("https://example.com/"))}, "invalid"),
    ):
        verdict = window.verify(**question)
        assert verdict["outcome"] == outcome
        assert verdict["licence"] is None


def test_other_addresses_and_methods_are_problems_too(window: WindowProcess) -> None:
    assert httpx2.get(f"{window.url}/api/v1/nothing").json()["code"] == "not-found"
    assert httpx2.get(f"{window.url}/api/v1/verify").json()["code"] == "method-not-allowed"
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert httpx2.get(f"{window.url}/nothing", headers=headers).json()["trace_id"] == trace


def test_every_answer_forbids_caching_and_foreign_content(province: Province, window: WindowProcess) -> None:
    page = httpx2.post(window.url, data={"text": text_of(province.issue())})
    for answer in (page, httpx2.get(f"{window.url}/readyz"), httpx2.get(f"{window.url}/static/window.css")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?! src=\"/static)|<style|style=|onclick|https?://", page.text)


def test_the_page_shows_verdict_reason_remedy_age_and_masked_holder(province: Province, window: WindowProcess) -> None:
    licence = province.issue()
    shown = httpx2.post(window.url, data={"text": text_of(licence)}).text
    for words in ("有效", "VALID", "证照有效", "可以受理", "状态截至", "名录截至", "秒前", "广东省", "浦东3号窗口"):
        assert words in shown
    changed = {province.reference(licence).index: Mark(State.VALID, Flag.PARENT_CHANGED).pack()}
    window.reaches(province.advance(changed))
    shown = httpx2.post(window.url, data={"text": text_of(licence)}).text
    assert "VALID" in shown
    assert "关联证照已变更" in shown
    window.reaches(province.decide(licence, State.REVOKED))
    shown = httpx2.post(window.url, files={"picture": draw_png(text_of(licence))}).text
    for words in ("无效", "INVALID", "证照已吊销", "不予受理", "revoked"):
        assert words in shown


FORMS: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"data": {"text": ""}}, 200, "没有收到要核验的内容"),
    ({"data": {"other": "x"}}, 200, "没有收到要核验的内容"),
    ({"data": {"text": "<script>alert(1)</script>"}}, 200, "这不是证照码"),
    ({"data": {"text": "x" * 10_000}}, 200, "内容超出允许的大小"),
    ({"data": {"text": "x" * 100_000}}, 400, "请求不符合接口要求"),
    ({"files": {"picture": b"no picture"}}, 200, "图片无法读取"),
    ({"files": {"picture": bytes(29_000_000)}}, 413, "内容超出允许的大小"),
    ({"content": b"--", "headers": {"Content-Type": "multipart/form-data; boundary=z"}}, 200, "没有收到"),
    ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "请求不符合接口要求"),
)


def test_a_form_that_carries_nothing_good_is_answered_by_the_page(window: WindowProcess) -> None:
    for request, status, words in FORMS:
        answer = httpx2.post(window.url, timeout=30, **request)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8"), words
        assert words in answer.text
        assert "alert(1)" not in answer.text


def test_health_says_what_is_held_and_metrics_say_it_in_numbers(
    province: Province, publisher: PublishingServer, window: WindowProcess
) -> None:
    report = window.health()
    assert report["ready"]
    assert (report["registry"]["anchors"], report["registry"]["keys"], report["registry"]["regions"]) == (1, 2, 1)
    assert report["registry"]["version"] == province.registry.version
    assert report["status"][REGION]["sequence"] == 1
    publisher.faults[f"status/{REGION}/deltas/2.bin"] = Response(b"rubbish")
    province.advance()
    deadline = time.monotonic() + 10
    while not window.health()["troubles"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert window.health()["troubles"][f"status/{REGION}"]["reason"] == "status-malformed"
    numbers = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(httpx2.get(f"{window.url}/metrics").text)
        for sample in family.samples
    }
    assert numbers["ecert_status_sequence", REGION] == 1
    assert numbers["ecert_registry_version",] == province.registry.version
    assert numbers["ecert_trust_anchors",] == 1
    assert 0 < numbers["ecert_registry_fresh_seconds",] <= timedelta(days=7).total_seconds()
    assert numbers["ecert_refusals_total", "status-malformed"] >= 1


def test_the_log_holds_nothing_of_what_was_scanned(province: Province, window: WindowProcess) -> None:
    licence = province.issue()
    holder = window.verify(text=text_of(licence))["licence"]["holder_name"]
    httpx2.post(window.url, data={"text": text_of(licence)})
    window.verify(picture=base64_of(draw_png(text_of(licence))))
    logged = window.log.read_text("utf-8")
    assert "Application startup complete" in logged
    assert holder not in logged
    assert text_of(licence)[30:60] not in logged


def test_receipts_are_sent_with_the_window_s_token(
    province: Province, publisher: PublishingServer, folder: Path
) -> None:
    process = WindowProcess(folder, "--publisher", publisher.url, environment={"ECERT_WINDOW_TOKEN": "t0ken"})
    process.start()
    try:
        process.reaches(province.advance())
        deadline = time.monotonic() + 10
        while not publisher.receipts or publisher.receipts[-1][1]["regions"] != {REGION: province.status.sequence}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert publisher.receipts[-1][0] == "Bearer t0ken"
        assert process.health()["receipts"]["failed"] == 0
    finally:
        process.stop()
