"""The identity providers that a region is configured with, opened only where signing in is safe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx2

from api.access.cookies import is_loopback
from api.access.oidc import IdentityProvider, ProviderSettings
from ecert.cli.files import read_bounded
from ecert.errors import EcertError, Reason

if TYPE_CHECKING:
    from api.settings import OfficeSettings, OidcSettings

RETURN_PATH: Final = "/console/signed-in"
"""Where an operator's browser comes back to."""
HOLDER_RETURN_PATH: Final = "/holder/signed-in"
"""Where a holder's does."""
_MAX_SECRET: Final = 1024


def open_provider(settings: OfficeSettings) -> IdentityProvider | None:
    """Open the provider of operators; None where none signs in.

    Raises:
        EcertError: USAGE; as `open_holder_provider`.
    """
    return _open(settings, settings.oidc, RETURN_PATH)


def open_holder_provider(settings: OfficeSettings) -> IdentityProvider | None:
    """Open the provider of holders; None where none signs in.

    Raises:
        EcertError: USAGE; sign-ins would cross a network in the open, or a development provider be taken for a real
            one; or the client's secret cannot be read.
    """
    return _open(settings, settings.holders, HOLDER_RETURN_PATH)


def _open(settings: OfficeSettings, oidc: OidcSettings | None, return_path: str) -> IdentityProvider | None:
    here = is_loopback(settings.origin)
    if settings.development and not here:
        raise EcertError(Reason.USAGE, "development = true is for an origin of this machine, http://127.0.0.1:…, alone")
    if oidc is None:
        return None
    if not (here or settings.origin.startswith("https://")):
        raise EcertError(Reason.USAGE, f"people sign in over https, and the origin is {settings.origin}")
    if is_loopback(oidc.issuer) and not settings.development:
        raise EcertError(Reason.USAGE, f"{oidc.issuer} is a development provider: it needs development = true")
    secret = read_bounded(Path(oidc.client_secret_file), _MAX_SECRET, Reason.USAGE).decode("utf-8", "replace").strip()
    provider = ProviderSettings(
        oidc.issuer, oidc.client_id, secret, settings.origin + return_path, development=settings.development
    )
    return IdentityProvider(provider, httpx2.AsyncClient(trust_env=False, follow_redirects=False))
