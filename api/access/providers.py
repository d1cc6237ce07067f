"""The identity provider that a region is configured with, opened only where signing in is safe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx2

from api.access.cookies import is_loopback
from api.access.oidc import IdentityProvider, ProviderSettings
from ecert.cli.files import read_bounded
from ecert.errors import EcertError, Reason

if TYPE_CHECKING:
    from api.settings import OfficeSettings

RETURN_PATH: Final = "/console/signed-in"
"""Where the browser comes back to."""
_MAX_SECRET: Final = 1024


def open_provider(settings: OfficeSettings) -> IdentityProvider | None:
    """Open the provider; None where nobody signs in.

    Raises:
        EcertError: USAGE; sign-ins would cross a network in the open, or a development provider be taken for a real
            one; or the client's secret cannot be read.
    """
    here = is_loopback(settings.origin)
    if settings.development and not here:
        raise EcertError(Reason.USAGE, "development = true is for an origin of this machine, http://127.0.0.1:…, alone")
    oidc = settings.oidc
    if oidc is None:
        return None
    if not (here or settings.origin.startswith("https://")):
        raise EcertError(Reason.USAGE, f"people sign in over https, and the origin is {settings.origin}")
    if is_loopback(oidc.issuer) and not settings.development:
        raise EcertError(Reason.USAGE, f"{oidc.issuer} is a development provider: it needs development = true")
    secret = read_bounded(Path(oidc.client_secret_file), _MAX_SECRET, Reason.USAGE).decode("utf-8", "replace").strip()
    provider = ProviderSettings(
        oidc.issuer, oidc.client_id, secret, settings.origin + RETURN_PATH, development=settings.development
    )
    return IdentityProvider(provider, httpx2.AsyncClient(trust_env=False, follow_redirects=False))
