"""A window in Shanghai that accepts matters, as a process of its own, used as a browser without JavaScript would."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ecert.trust import EntryState, Member, Role, StateChange
from ecert.x509 import Profile
from tests.agency import Agency
from tests.verifier.province import Province, now
from tests.verifier.servers import PublishingServer, WindowProcess
from tests.world import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHANGHAI = "310000"
UNIT = "11310000DEMH70002Y"
CARD = "11310000DEMH2000154311014001000"
RELOCATION = "11440000DEMG2000524440131004000"
WANG = {
    "operator": "clerk-7",
    "applicant-name": "王示例",
    "applicant-code": "440000199003070024",
    "applicant-type": "111",
    "applicant-identified": "card-reader",
}
SCAN = {"scan": ("consent.png", b"a signed page", "image/png")}


class Clerk:
    """Uses the pages of a window."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, timeout=30)
        self.case = ""

    def get(self, path: str, status: int = 200) -> str:
        answer = self.http.get(path)
        assert answer.status_code == status, answer.text
        return unescape(answer.text)

    def post(self, path: str, status: int = 303, **content: Any) -> str:
        answer = self.http.post(path, **content)
        assert answer.status_code == status, answer.text
        return answer.headers.get("location", "") or unescape(answer.text)

    def begin(self, item_code: str = CARD, **changes: str) -> None:
        self.case = self.post(f"/matters/{item_code}", data=WANG | changes)

    def page(self) -> str:
        return self.get(self.case)

    def present(self, data: bytes, status: int = 303) -> str:
        return self.post(f"{self.case}/licences", status, files={"file": ("licence.bin", data)})

    def consent(self) -> None:
        self.post(f"{self.case}/consent", data={"form": "paper"}, files=SCAN)

    def settle(self, code: str, way: str, status: int = 303, files: Any = None, **more: Any) -> str:
        return self.post(f"{self.case}/materials/{code}", status, data={"way": way} | more, files=files)

    def settle_the_rest(self) -> None:
        self.settle("photo", "shared", source="公安部门制证照片库", number="2026-77")
        self.settle("residence", "promised", files=SCAN)

    def accept(self, status: int = 303) -> str:
        return self.post(f"{self.case}/acceptance", status)


@dataclass
class Town:
    """A province that issues, and a window in Shanghai that accepts matters; one for all tests here."""

    folder: Path
    province: Province
    window: WindowProcess
    agency: Agency


def register_unit(province: Province, folder: Path) -> Agency:
    """Register the unit of the window, and give its key to a signing agent, which does not run yet."""
    province.add_silent_region(SHANGHAI)
    province._certify("unit", Profile.RELYING_PARTY, SHANGHAI)
    active = (StateChange(EntryState.ACTIVE, now() - timedelta(days=300)),)
    der = province.certificates["unit"].der
    member = Member(Role.RELYING_PARTY, UNIT, "上海样例政务服务中心", "Sample centre", (der,), history=active)
    province.repository.add_member(SHANGHAI, member)
    province.publish_registry()
    agency = Agency(folder / "agent")
    agency.add("unit", province.keys["unit"], kinds=["verification-receipt"])
    return agency


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    province = Province(folder / "published")
    agency = register_unit(province, folder)
    publisher = PublishingServer(province.folder)
    publisher.start()
    shutil.copytree(DATA / "matters", folder / "matters")
    (folder / "window").mkdir()
    (folder / "window/root.json").write_bytes(province.root)
    told = {"unit": UNIT, "name": "上海样例政务服务中心", "region": "310115"}
    places = {"matters": "matters", "register": "register.db", "signer": agency.uri("unit")}
    office = folder / "office.json"
    office.write_text(json.dumps(told | places, ensure_ascii=False), "utf-8")
    options = ("--publisher", publisher.url, "--window", "浦东3号窗口", "--matters", str(office))
    window = WindowProcess(folder / "window", *options)
    window.start()
    window.reaches(province.status.sequence)
    yield Town(folder, province, window, agency)
    window.stop()
    agency.stop()
    publisher.stop()


@pytest.fixture
def province(town: Town) -> Province:
    return town.province


@pytest.fixture
def clerk(town: Town) -> Iterator[Clerk]:
    clerk = Clerk(town.window.url)
    yield clerk
    clerk.http.close()
