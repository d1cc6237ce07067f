"""`docs/operations.md` speaks of what there is: codes, metrics, commands, services, files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from api.development_cli import _read_people
from ecert.errors import Reason
from ecert.web.problems import Code
from keys.expiry import metrics_text
from tests.api.office import Region, serving
from tests.deploy.test_compose import APPLICATIONS, COMPOSE, ROOT, SERVICES, parse

if TYPE_CHECKING:
    from tests.api.province import Provinces

TEXT = (ROOT / "docs" / "operations.md").read_text("utf-8")
NIGHT = TEXT[TEXT.index("## 凌晨三点") : TEXT.index("## 失效方式")]
COMMAND = re.compile(r"python -m (?P<program>api|keys|verifier) (?P<rest>[a-z-]+(?: [a-z-]+)?)")


def test_every_code_in_the_table_of_the_night_is_one_that_people_see() -> None:
    rows = [line.split("|")[1] for line in NIGHT.splitlines() if line.startswith("|")]
    named = {code for row in rows for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", row)}
    assert len(named) > 15
    assert named <= {one.value for one in (*Reason, *Code)}


def test_every_metric_is_one_that_a_service_has(provinces: Provinces) -> None:
    provinces.issue()
    provinces.publish()
    with serving(Region(provinces)) as site:
        told = site.client.get("/metrics").text + metrics_text([]).decode()
    window = (ROOT / "verifier" / "health.py").read_text("utf-8")
    named = set(re.findall(r"`(ecert_[a-z_]+?)(?:_total)?(?:\{|`)", TEXT))
    assert len(named) > 8
    for one in named:
        assert one in told or f'_gauge("{one.removeprefix("ecert_")}"' in window, one


def test_every_command_is_one_that_a_program_has() -> None:
    found = [(match["program"], match["rest"]) for match in COMMAND.finditer(TEXT)]
    assert len(found) > 10
    for program, rest in found:
        words = rest.split()
        for length in (2, 1):
            try:
                parse(APPLICATIONS[program], [*words[:length], "--help"])
            except SystemExit:
                pytest.fail("help ends a process here")
            except Exception as error:  # noqa: BLE001  (whichever of the framework's)
                if type(error).__name__ == "Exit":
                    break
        else:
            pytest.fail(f"python -m {program} {rest}")


def test_every_service_file_and_link_is_there() -> None:
    for named in re.findall(r"docker compose (?:up|stop|start|restart|create|run)[^\n`]*", TEXT):
        for word in shlex.split(named.replace("…", ""), comments=True):
            if re.fullmatch(r"[a-z]+-(?:440000|310000)", word):
                assert word in SERVICES, word
    for volume in re.findall(r"ecert_([a-z0-9-]+)(?:\)|:)", TEXT):
        assert volume in COMPOSE["volumes"], volume
    for link in re.findall(r"\]\(([a-z0-9/-]+\.md)", TEXT):
        assert (ROOT / "docs" / link).is_file(), link
    for script in re.findall(r"`(?:sudo )?((?:scripts|deploy)/[a-z_-]+)`", TEXT):
        assert (ROOT / script).is_file(), script


def test_the_people_of_the_demonstration_can_be_read() -> None:
    people = _read_people(Path(ROOT / "deploy" / "demo" / "people.json"))
    assert [one.subject for one in people] == ["clerk", "reviewer", "operator"]
