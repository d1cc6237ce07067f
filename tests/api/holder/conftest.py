from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.holder.world import other_region, phone_service
from tests.browsing import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.api.office import Region, Site


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for these tests alone: while it is there, an event loop runs in this thread."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone that nobody has used yet."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2, has_touch=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def shanghai(region: Region) -> Iterator[Site]:
    """The service of another region; the first region is a portal there."""
    with other_region(region) as site:
        yield site


@pytest.fixture
def here(region: Region, shanghai: Site, tmp_path: Path) -> Iterator[Site]:
    """The service of the first region, with a provider of its holders."""
    with phone_service(region, shanghai, tmp_path) as site:
        yield site
