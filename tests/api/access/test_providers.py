"""Where operators may sign in at all, said before a port is bound."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from api.access.providers import open_provider
from api.settings import OfficeSettings, OidcSettings, load_settings
from ecert.errors import EcertError, Reason
from tests.api.test_commands import api

if TYPE_CHECKING:
    from pathlib import Path

HERE, REAL = "http://127.0.0.1:8440", "https://licences.example"
DEMONSTRATION, NATIONAL = "http://127.0.0.1:8449", "https://id.example"


def settings(folder: Path, origin: str, issuer: str | None, *, development: bool = False) -> OfficeSettings:
    secret = folder / "secret"
    secret.write_text("a secret of two\n")
    oidc = None if issuer is None else OidcSettings(issuer=issuer, client_id="ecert", client_secret_file=str(secret))
    return OfficeSettings(
        ledger="ledger.db",
        published=".",
        region="440000",
        name="样例省",
        name_en="Sample Province",
        origin=origin,
        oidc=oidc,
        development=development,
    )


@pytest.mark.parametrize(
    ("origin", "issuer", "development"),
    [
        (REAL, DEMONSTRATION, False),
        (REAL, DEMONSTRATION, True),
        (REAL, NATIONAL, True),
        (REAL, None, True),
        (HERE, DEMONSTRATION, False),
        ("http://licences.example", NATIONAL, False),
        ("http://127.0.0.1.example:8440", DEMONSTRATION, True),
        (REAL, "http://id.example", False),
    ],
)
def test_people_sign_in_safely_or_not_at_all(
    tmp_path: Path, origin: str, issuer: str | None, *, development: bool
) -> None:
    with pytest.raises(EcertError) as caught:
        open_provider(settings(tmp_path, origin, issuer, development=development))
    assert caught.value.reason is Reason.USAGE


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("origin", "issuer", "development"), [(REAL, NATIONAL, False), (HERE, DEMONSTRATION, True), (HERE, NATIONAL, False)]
)
async def test_what_is_safe_is_opened(tmp_path: Path, origin: str, issuer: str, *, development: bool) -> None:
    provider = open_provider(settings(tmp_path, origin, issuer, development=development))
    assert provider is not None
    await provider.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_a_secret_that_is_missing_is_said(tmp_path: Path) -> None:
    wanted = settings(tmp_path, REAL, NATIONAL)
    (tmp_path / "secret").unlink()
    with pytest.raises(EcertError) as caught:
        open_provider(wanted)
    assert "secret" in caught.value.detail


def test_the_secrets_file_lies_beside_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "office.toml"
    file.write_text(
        'ledger = "l.db"\npublished = "p"\nregion = "440000"\nname = "样例省"\nname_en = "Sample"\n'
        f'origin = "{REAL}"\n[oidc]\nissuer = "{NATIONAL}"\nclient_id = "ecert"\nclient_secret_file = "secret"\n'
    )
    oidc = load_settings(file).oidc
    assert oidc is not None
    assert oidc.client_secret_file == str(tmp_path / "secret")


def test_the_provider_for_demonstrations_does_not_start_unless_told_that_nothing_is_real(tmp_path: Path) -> None:
    people, secret = tmp_path / "people.json", tmp_path / "secret"
    people.write_text(json.dumps([{"subject": "zhang", "name": "张样例", "about": "复核员"}]))
    secret.write_text("a secret of two")
    given = ("development-provider", "--people", people, "--client-secret-file", secret, "--origin")
    _, said = api(*given, HERE, code=2)
    assert "--development" in said
    _, said = api(*given, REAL, "--development", code=2)
    assert "on this machine" in said
    people.write_text(json.dumps([{"subject": "zhang", "name": "张样例", "password": "x"}]))
    _, said = api(*given, HERE, "--development", code=1)
    assert "password" in said
