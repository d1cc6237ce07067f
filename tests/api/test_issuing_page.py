"""`docs/issuing.md` is true: its commands, run as they stand, end in a licence that verifies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from tests.api.office import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "issuing.md").read_text("utf-8")
PORT = "8440"


def blocks(kind: str, page: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[str]:
    """The commands of the page, each in one piece; the environment is there already."""
    found = [one for block in blocks("console", page) for one in re.split(r"^\$ ", block, flags=re.MULTILINE) if one]
    return [one.rstrip("\n") for one in found if not one.startswith("scripts/setup")]


@contextmanager
def shell(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """One shell for the whole page, as a reader has; whatever it left running ends with it."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(folder), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        ["bash", "-e", "-u"],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            os.killpg(running.pid, 15)


def wait_for(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx2.get(f"{address}/healthz", trust_env=False)
        except httpx2.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


def do(running: subprocess.Popen[str], command: str) -> str:
    """Run a command in the shell, and return what it wrote."""
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(f"{command}\necho '---done'\n")
    running.stdin.flush()
    said = ""
    for line in running.stdout:
        if line == "---done\n":
            return said
        said += line
    raise AssertionError(f"{command}\n{said}")


def test_every_command_of_the_page_works_and_the_licence_is_valid(tmp_path: Path) -> None:
    port = free_port()
    page = PAGE.replace(PORT, str(port))
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "office.toml").write_text(blocks("toml", page)[0], "utf-8")
    (tmp_path / "licence.json").write_text(blocks("json", page)[0], "utf-8")
    said = ""
    with shell(tmp_path) as running:
        for command in commands(page):
            serves = command.endswith("&")
            said = do(running, command[:-1] + "> served.log 2>&1 &" if serves else command)
            if serves:
                wait_for(f"http://127.0.0.1:{port}")
    assert "有效" in said
    assert (tmp_path / "licence.ofd").read_bytes()[:2] == b"PK"
