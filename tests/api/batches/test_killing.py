"""Killed at any point, a batch goes on, and every row of it is issued exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.batches.killing import kill_again_and_again

if TYPE_CHECKING:
    from pathlib import Path

    from tests.api.office import Region


@pytest.mark.parametrize(("provinces", "kills"), [("sqlite", 3), ("postgresql", 3)], indirect=["provinces"])
def test_every_row_is_issued_once_however_often_the_service_is_killed(
    region: Region, tmp_path: Path, kills: int
) -> None:
    outcome = kill_again_and_again(region, tmp_path, rows=2000, kills=kills, seed=kills)
    assert outcome.kills == kills
    assert outcome.whole, outcome
