from __future__ import annotations

import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest
import uvicorn
from playwright.sync_api import sync_playwright

from api.access.development_provider import DevelopmentProvider, Person
from api.access.principals import Role
from api.access.providers import RETURN_PATH
from api.settings import OidcSettings
from tests.api.console.conftest import FLAGS
from tests.api.office import IDENTITIES, free_port, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.api.office import Region, Site


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for these tests alone: while it is there, an event loop runs in this thread."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser that nobody has used yet."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def here(region: Region, tmp_path: Path) -> Iterator[Site]:
    """The service where a browser finds it, and a provider whose people are its operators, and one stranger."""
    port, secret = free_port(), tmp_path / "client-secret"
    secret.write_text("a secret of two\n")
    origin = f"http://127.0.0.1:{port}"
    people = [Person(role.value, f"样例{role.value}", "") for role in Role] + [Person("stranger", "样例陌生人", "")]
    provider = DevelopmentProvider(
        IDENTITIES, people, client_id="ecert", client_secret="a secret of two", redirect_uri=origin + RETURN_PATH
    )
    config = uvicorn.Config(provider.app(), port=int(IDENTITIES.rpartition(":")[2]), log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    oidc = OidcSettings(issuer=IDENTITIES, client_id="ecert", client_secret_file=str(secret))
    try:
        with serving(region, port, origin=origin, oidc=oidc, development=True) as site:
            yield site
    finally:
        server.should_exit = True
        thread.join()
