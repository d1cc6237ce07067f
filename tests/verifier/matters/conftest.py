"""A window in Shanghai that accepts matters, as a process of its own, used as a browser without JavaScript would."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ecert.trust import EntryState, Member, Role, StateChange
from ecert.x509 import Profile
from keys.vault_file import new_keys, write_vault_file
from tests.agency import PASSPHRASE, Agency
from tests.serving import running
from tests.verifier.matters.service import Service, file_maker
from tests.verifier.province import Province, now
from tests.verifier.servers import PublishingServer, WindowProcess
from tests.world import DATA
from verifier.matters.clerks import Pin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHANGHAI = "310000"
UNIT = "11310000DEMH70002Y"
CARD = "11310000DEMH2000154311014001000"
RELOCATION = "11440000DEMG2000524440131004000"
WANG = {"applicant-name": "王示例", "applicant-code": "440000199003070024", "applicant-type": "111"}
COMPANY = {
    "applicant-name": "广州示例样品云图智能制造科技发展有限公司",
    "applicant-code": "91440106DEMX000498",
    "applicant-type": "001",
    "agent-card": "姓名 王示例|公民身份号码 440000199003070024",
}
PURPOSE = "办理社会保障卡申领（跨省通办）"
CARD_TEXT = "王示例|女|汉|19900307|样例省样例市示例路1号|440000199003070024|样例市公安局|2020.01.02|长期"
CLERKS = {"clerk-7": ("赵样例", "258000"), "clerk-8": ("钱样例", "147000"), "clerk-9": ("孙样例", "369000")}
FIELDS = ["certificateHolderCode", "certificateHolderName"]
SCAN = {"scan": ("consent.png", b"a signed page", "image/png")}


class Clerk:
    """Uses the pages of a window."""

    def __init__(self, url: str, name: str = "clerk-7") -> None:
        self.http = httpx2.Client(base_url=url, timeout=30)
        self.case = ""
        self.name = name
        self.sign_in()

    def sign_in(self) -> None:
        self.post("/sign-in", data={"clerk": self.name, "pin": CLERKS[self.name][1], "onward": "/matters"})

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

    def scan(self, text: str, status: int = 303) -> str:
        return self.post(f"{self.case}/licences", status, data={"text": text})

    def ask(self, status: int = 303, region: str = "440000", whose: str = "applicant") -> str:
        return self.post(f"{self.case}/asks", status, data={"region": region, "whose": whose})

    def look(self) -> str:
        self.post(f"{self.case}/look")
        return self.page()

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


@cache
def accounts() -> list[dict[str, str]]:
    return [{"id": one, "name": name, "pin": Pin.make(pin).text} for one, (name, pin) in CLERKS.items()]


def office_file(folder: Path, agency: Agency, **more: Any) -> Path:
    """Write the settings of the window's office."""
    shutil.copytree(DATA / "matters", folder / "matters")
    told = {"unit": UNIT, "name": "上海样例政务服务中心", "region": "310115", "clerks": accounts()}
    places = {"matters": "matters", "register": "register.db", "signer": agency.uri("unit")}
    file = folder / "office.json"
    file.write_text(json.dumps(told | places | more, ensure_ascii=False), "utf-8")
    return file


@contextmanager
def open_window(province: Province, folder: Path, office: Path) -> Iterator[WindowProcess]:
    """Run a window with an office."""
    publisher = PublishingServer(province.folder)
    publisher.start()
    (folder / "window").mkdir()
    (folder / "window/root.json").write_bytes(province.root)
    options = ("--publisher", publisher.url, "--window", "浦东3号窗口", "--matters", str(office))
    window = WindowProcess(folder / "window", *options)
    window.start()
    window.reaches(province.status.sequence)
    yield window
    window.stop()
    publisher.stop()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    province = Province(folder / "published")
    agency = register_unit(province, folder)
    with open_window(province, folder, office_file(folder, agency)) as window:
        yield Town(folder, province, window, agency)
    agency.stop()


@dataclass
class City:
    """A window that is connected with the service of a province; its agent runs, and keeps the key of its files."""

    folder: Path
    province: Province
    window: WindowProcess
    agency: Agency
    service: Service
    clerk: Clerk


@contextmanager
def open_city(folder: Path) -> Iterator[City]:
    """Run a window, an agent and a region's service."""
    province = Province(folder / "published")
    agency = register_unit(province, folder)
    caller = agency.add("window", kinds=["request"])
    write_vault_file(agency.folder / "cases.vault", new_keys(), PASSPHRASE.encode(), replacing=False)
    agency.tables["vaults.cases"] = {"file": "cases.vault", "clients": ["api"], "per_day": 100}
    service = Service(province, file_maker(province), caller.public_key)
    agency.start()
    bases = {"unit": UNIT, "itemCode": CARD, "types": ["11100000000013127D001"], "fields": FIELDS}
    bases |= {"law": "《样例社会保险办法》", "article": "第七条", "since": "2026-01-01"}
    (folder / "bases.json").write_text(json.dumps({"bases": [bases]}, ensure_ascii=False), "utf-8")
    with running(service.app()) as address:
        regions = [{"region": "440000", "service": address}, {"region": "120000", "service": "http://127.0.0.1:9"}]
        agents = {"caller": agency.uri("window"), "vault": agency.uri("cases")}
        office = office_file(folder, agency, regions=regions, bases="bases.json", **agents)
        with open_window(province, folder, office) as window:
            clerk = Clerk(window.url)
            yield City(folder, province, window, agency, service, clerk)
            clerk.http.close()
    agency.stop()


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("city")) as city:
        yield city


@pytest.fixture
def city(connected: City) -> City:
    connected.service.fault, connected.service.fault_at = None, ""
    connected.service.spoil_copies = False
    return connected


@pytest.fixture
def province(town: Town) -> Province:
    return town.province


@pytest.fixture
def clerk(town: Town) -> Iterator[Clerk]:
    clerk = Clerk(town.window.url)
    yield clerk
    clerk.http.close()
