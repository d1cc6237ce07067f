"""One finished ceremony, made once and copied for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keys.ceremony import Ceremony
from keys.cli import run
from keys.facts import RegionFacts, SealMakerFacts, department_facts
from keys.members import Terms
from keys.names import KeyName, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.keys.office import Office

ROOT = Path(__file__).resolve().parents[2]

NATIONAL_PASSPHRASE = b"national: correct horse"
REGION_PASSPHRASE = b"region: battery staple"
LEAF_PASSPHRASE = "叶子密钥的口令足够长了吧？".encode()

DEPARTMENT_CODE = "11440000DEMG100223"
SEAL_MAKER_CODE = "12440000DEMG90018F"
OTHER_CODE = "11440000DEMG100148"
TYPE = "11100000000013338W011"

START = datetime(2024, 3, 1, 8, 30, 15, tzinfo=UTC)
"""Well before any machine's clock, since the command line reads that one; the region made then lasts until 2039."""


def national() -> bytes:
    return NATIONAL_PASSPHRASE


def region() -> bytes:
    return REGION_PASSPHRASE


def leaf() -> bytes:
    return LEAF_PASSPHRASE


def nobody() -> bytes:
    raise AssertionError("nobody should have been asked for a passphrase")


def department(facts: SealMakerFacts) -> tuple[KeyName, SealMakerFacts]:
    return KeyName(Kind.DEPARTMENT, facts.code), facts


def maker(facts: SealMakerFacts) -> tuple[KeyName, SealMakerFacts]:
    return KeyName(Kind.SEAL_MAKER, facts.code), facts


@dataclass
class Clock:
    """A clock that moves when told."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class World:
    """A ceremony directory and its clock."""

    home: Path
    clock: Clock = field(default_factory=Clock)

    @property
    def ceremony(self) -> Ceremony:
        return Ceremony(self.home, now=self.clock)

    def path(self, name: str) -> Path:
        return self.home / name

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.home.iterdir())}


DEPARTMENT = KeyName.parse(f"department-{DEPARTMENT_CODE}")
SEAL_MAKER = KeyName.parse(f"seal-maker-{SEAL_MAKER_CODE}")
STATUS = KeyName.parse("status-440000")
REGION = KeyName.parse("region-440000")

GUANGDONG = RegionFacts(region="440000", name="广东省", name_en="Guangdong")
HOUSING = department_facts(
    region="440000", code=DEPARTMENT_CODE, name="省住房和城乡建设厅", name_en="Housing", types=[TYPE], areas=[]
)
MAKER = SealMakerFacts(region="440000", code=SEAL_MAKER_CODE, name="印章制作中心", name_en="Seal Centre")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("finished") / "pki"
    ceremony = Ceremony(home, now=Clock())
    ceremony.init_national(name="国家电子证照根", passphrase=national)
    ceremony.init_region(GUANGDONG, passphrase=region, status_passphrase=leaf, issuer_passphrase=national)
    ceremony.issue_body(*department(HOUSING), passphrase=leaf, issuer_passphrase=region)
    ceremony.issue_body(*maker(MAKER), passphrase=leaf, issuer_passphrase=region)
    return home


@pytest.fixture
def world(finished: Path, tmp_path: Path) -> World:
    home = tmp_path / "pki"
    shutil.copytree(finished, home)
    return World(home)


@pytest.fixture
def empty(tmp_path: Path) -> World:
    return World(tmp_path / "pki")


@dataclass
class Shell:
    """Runs `python -m keys` with nothing of ours in the environment but what is given."""

    environ: Mapping[str, str]

    def __call__(
        self, *arguments: str | Path, before: Callable[[], None] | None = None, **variables: str | Path
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "keys", *map(str, arguments)],
            cwd=ROOT,
            env={**self.environ, **{name: str(value) for name, value in variables.items()}},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=before,
        )


@pytest.fixture(scope="session")
def keys() -> Shell:
    return Shell({name: value for name, value in os.environ.items() if not name.startswith("ECERT_")})


@dataclass
class Inside:
    """Runs the command line within this process, as `Shell` does in one of its own and ten times slower."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path | KeyName, **variables: str | Path) -> subprocess.CompletedProcess[str]:
        with self.monkeypatch.context() as patch, Path(os.devnull).open(encoding="utf-8") as nothing:
            for name in [name for name in os.environ if name.startswith("ECERT_")]:
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, str(value))
            patch.setattr(sys, "argv", ["keys", *map(str, arguments)])
            patch.setattr(sys, "stdin", nothing)
            with pytest.raises(SystemExit) as ended:
                run()
        code = ended.value.code or 0
        assert isinstance(code, int)
        return subprocess.CompletedProcess([str(one) for one in arguments], code, *self.capsys.readouterr())


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(monkeypatch, capsys)


@pytest.fixture(scope="session")
def opened(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Office:
    from tests.keys.office import Office  # noqa: PLC0415  (it needs this module)

    folder = tmp_path_factory.mktemp("office")
    shutil.copytree(finished, folder / "pki")
    office = Office(folder / "pki", folder / "published")
    office.out.mkdir()
    office.acts.init(root_keys=3, threshold=2)
    office.acts.add_region("440000")
    office.acts.add_member(DEPARTMENT, Terms(endpoints={"service": "https://service.example/"}))
    office.acts.add_member(SEAL_MAKER, Terms())
    office.publish()
    return office


@pytest.fixture
def office(opened: Office, tmp_path: Path) -> Office:
    """A registry with one region, and a window that has not seen it yet."""
    shutil.copytree(opened.home, tmp_path / "pki")
    shutil.copytree(opened.out, tmp_path / "published")
    return replace(opened, home=tmp_path / "pki", out=tmp_path / "published", clock=Clock())
