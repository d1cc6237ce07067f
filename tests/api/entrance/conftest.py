from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.access.development_provider import DevelopmentProvider, Person
from api.access.principals import Role
from api.access.providers import RETURN_PATH
from api.settings import OidcSettings
from tests.api.office import IDENTITIES, free_port, serving
from tests.browsing import chromium
from tests.serving import running

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
    oidc = OidcSettings(issuer=IDENTITIES, client_id="ecert", client_secret_file=str(secret))
    with (
        running(provider.app(), int(IDENTITIES.rpartition(":")[2])),
        serving(region, port, origin=origin, oidc=oidc, development=True) as site,
    ):
        yield site
