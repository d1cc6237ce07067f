"""The clients that integrators copy, against the real service."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ecert.ofd.package import Package
from ecert.sm2 import PrivateKey
from tests.api.catalogue.writing import CODE, MANAGER, PATH, content
from tests.api.office import serving_here
from tests.api.test_licences import count
from tests.web.oracles import JARS, needs_bouncycastle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.office import Region, Site

CLIENTS = Path(__file__).parents[2] / "docs" / "clients"
PYTHON = [sys.executable, str(CLIENTS / "ecert_client.py")]
JAVA = ["java", "-cp", str(JARS[0]), str(CLIENTS / "EcertClient.java")]
each = pytest.mark.parametrize("client", [PYTHON, pytest.param(JAVA, marks=needs_bouncycastle)], ids=["Python", "Java"])


@pytest.fixture
def here(region: Region) -> Iterator[Site]:
    with serving_here(region) as site:
        yield site


def run(
    client: list[str], site: Site, folder: Path, key: PrivateKey, *arguments: str, body: Any = None
) -> tuple[int, bytes]:
    """Run a client as its users do, and return its exit code and what it wrote."""
    (folder / "system.pem").write_bytes(key.to_pem())
    more = []
    if body is not None:
        (folder / "body.json").write_text(json.dumps(body, ensure_ascii=False), "utf-8")
        more = [str(folder / "body.json")]
    command = [*client, site.office.settings.origin, str(folder / "system.pem"), *arguments, *more]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert b"HTTP " in done.stderr, done.stderr.decode()
    return done.returncode, done.stdout


@each
def test_a_client_issues_a_licence_and_fetches_its_file(here: Site, tmp_path: Path, client: list[str]) -> None:
    key, body = here.region.keys["issuer-clerk"], {"application": here.region.application()}
    code, said = run(client, here, tmp_path, key, "POST", "/api/v1/licences", body=body)
    assert code == 0, said
    issued = json.loads(said)
    assert count(here.region) == 1
    code, file = run(client, here, tmp_path, key, "GET", issued["files"]["ofd"])
    assert code == 0
    assert Package.read(file)
    assert run(client, here, tmp_path, key, "GET", "/api/v1/types?limit=3")[0] == 0


@each
def test_a_client_shows_why_it_was_refused(here: Site, tmp_path: Path, client: list[str]) -> None:
    stranger = PrivateKey.generate()
    code, said = run(client, here, tmp_path, stranger, "GET", "/api/v1/types")
    assert (code, json.loads(said)["code"]) == (1, "request-key-unknown")
    code, said = run(client, here, tmp_path, here.region.keys["auditor"], "POST", "/api/v1/licences", body={})
    assert (code, json.loads(said)["code"]) == (1, "forbidden")


def test_the_python_client_is_a_module_too_and_repeats_without_doing_twice(here: Site) -> None:
    described = importlib.util.spec_from_file_location("ecert_client", CLIENTS / "ecert_client.py")
    assert described is not None
    assert described.loader is not None
    module = sys.modules["ecert_client"] = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    clerk = module.Client(here.office.settings.origin, here.region.keys["issuer-clerk"])
    body, once = json.dumps({"application": here.region.application()}).encode(), {"Idempotency-Key": "first-licence"}
    first, again = (clerk.request("POST", "/api/v1/licences", body, once) for _ in range(2))
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert count(here.region) == 1
    manager = module.Client(here.office.settings.origin, here.region.keys[MANAGER])
    saved = manager.request("PUT", PATH, json.dumps(content()).encode(), {"If-None-Match": "*"})
    assert saved.status == 201, saved.body
    tag = {name.lower(): value for name, value in saved.headers.items()}["etag"]
    moved = manager.request("POST", f"{PATH}/submit", b"{}", {"If-Match": tag})
    assert (json.loads(moved.body)["code"], json.loads(moved.body)["state"]) == (CODE, "review")
