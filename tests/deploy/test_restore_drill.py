"""A small run of `scripts/restore_drill`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_ledger_is_backed_up_while_written_to_lost_and_put_back(kind: str) -> None:
    command = [str(ROOT / "scripts" / "restore_drill"), "--licences", "3", "--database", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=550)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert f"== {kind}" in done.stdout
