"""A phone's dynamic code at the scan page: redeemed once by the region's service, if one is connected."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest

from ecert.cli.pixels import draw_png
from ecert.errors import Reason, RejectedError, UndeterminedError
from ecert.presentation import CodeKind, DynamicCode, Way, read_code
from ecert.qr import encode_text
from ecert.verification import Outcome
from tests.serving import running
from tests.verifier.province import now
from verifier.app import create_app
from verifier.redeeming import Showing
from verifier.services import Settings, build_services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ecert.presentation import Use
    from ecert.verification import Verdict
    from tests.verifier.province import Province
    from tests.verifier.servers import PublishingServer


PURPOSE = "在窗口办理政务服务事项"


class Service:
    """A region's service: hands out one licence's face for each code, once."""

    def __init__(self, *faces: bytes) -> None:
        self.faces = faces
        self.taken: list[tuple[str, str]] = []
        self.reported: list[tuple[Outcome, str, str, Use | None]] = []
        self.away = False

    async def look(self, text: str, window: str) -> Showing:
        if self.away:
            raise UndeterminedError(Reason.SOURCE_UNREACHABLE, "no answer")
        kind, data = read_code(text)
        assert kind is CodeKind.DYNAMIC
        DynamicCode.decode(data)
        if any(text == one for one, _ in self.taken):
            raise RejectedError(Reason.CODE_USED, "it was used at 2026-11-25 02:32:05Z, at 浦东5号窗口")
        self.taken.append((text, window))
        return Showing(PURPOSE, now(), self.faces)

    def report(self, verdict: Verdict, window: str, operator: str, use: Use | None, *, way: Way) -> None:
        assert way is Way.PRINTED_CODE
        self.reported.append((verdict.outcome, window, operator, use))


@contextmanager
def counter(folder: Path, publisher: PublishingServer, service: Service) -> Iterator[str]:
    services = build_services(Settings(folder, (publisher.url,), window="浦东3号窗口"), now, service)
    with running(create_app(services)) as address:
        deadline = time.monotonic() + 20
        while not httpx2.get(f"{address}/readyz").json()["status"].get("440000"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield address


def told_today(page: str) -> dict[str, int]:
    counts = re.findall(r'<li class="(\w+)"><i aria-hidden="true">[^<]*</i><b>(\d+)</b>', page)
    return {kind: int(count) for kind, count in counts if int(count)}


@pytest.fixture
def code() -> str:
    return DynamicCode("440000", bytes(range(16))).text("zz.example")


def test_what_the_phone_shows_is_verified_and_a_second_scan_is_refused(
    province: Province, folder: Path, publisher: PublishingServer, code: str
) -> None:
    service = Service(province.issue().face, province.issue(0, "resident-identity-card").face)
    with counter(folder, publisher, service) as address:
        page = httpx2.post(address, data={"text": code.lower().replace(":", "：")}).text
        assert page.count('class="verdict valid"') == 2
        assert PURPOSE in page
        assert service.taken == [(code, "浦东3号窗口")]
        page = httpx2.post(address, data={"text": code}).text
        assert "这个出示码已经用过" in page
        assert "使用时间 2026-11-25 10:32:05，使用窗口 浦东5号窗口" in page
        assert told_today(page) == {"valid": 2, "unread": 1}
        assert 'class="verdict' not in page.split("<template")[0]


def test_a_damaged_code_a_forged_face_and_a_silent_service_are_told_apart(
    province: Province, folder: Path, publisher: PublishingServer, code: str
) -> None:
    face = bytearray(province.issue().face)
    face[-1] ^= 1
    service = Service(bytes(face))
    with counter(folder, publisher, service) as address:
        assert "证照码读取不完整或已损坏" in httpx2.post(address, data={"text": f"{code[:-1]}0"}).text
        assert 'class="verdict invalid"' in httpx2.post(address, data={"text": code}).text
        service.away = True
        page = httpx2.post(address, data={"text": DynamicCode("440000", bytes(16)).text("zz.example")}).text
        assert 'role="alert"' in page
        assert 'class="verdict' not in page.split("<template")[0]
        assert told_today(page) == {"invalid": 1, "undetermined": 1, "unread": 1}


def test_the_public_page_never_uses_up_a_code(
    province: Province, folder: Path, publisher: PublishingServer, code: str
) -> None:
    licence = province.issue()
    service = Service(licence.face)
    with counter(folder, publisher, service) as address:
        page = httpx2.post(f"{address}/public", data={"text": code}).text
        assert "这是手机上的动态码" in page
        assert service.taken == []
        httpx2.post(f"{address}/public", data={"text": encode_text(licence.face, "zz.example")})
        assert service.reported == []


def test_the_scan_of_a_printed_code_is_told_for_its_holder_to_read(
    province: Province, folder: Path, publisher: PublishingServer
) -> None:
    text = encode_text(province.issue().face, "zz.example")
    service = Service()
    with counter(folder, publisher, service) as address:
        assert 'class="verdict valid"' in httpx2.post(address, data={"text": text}).text
        assert 'class="verdict valid"' in httpx2.post(address, files={"picture": draw_png(text)}).text
    assert service.reported == [(Outcome.VALID, "浦东3号窗口", "浦东3号窗口", None)] * 2
