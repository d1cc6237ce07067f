"""Under CI a skipped test is a failure: what it needs was not installed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests import postgres

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    if report.skipped and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"skipped under CI: {reason}"
    return report


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    with postgres.serve() as server:
        yield server
