"""What a region's issuing service is told before it starts, in one TOML file (`docs/operations.md`).

ledger = "postgresql://ecert@db/gd"        # or a file
published = "/srv/published"               # registry and status
region = "440000"
name = "样例省"
name_en = "Sample Province"
origin = "https://licences.example"        # as callers see it
portal_host = "ZZ.EXAMPLE"                 # in the QR codes' links
vault = "agent:/run/ecert/agent.sock#ledger"
redis = "redis://cache/0"                  # several processes need it
token_key = "agent:/run/ecert/agent.sock#tokens"
fonts = "/usr/share/fonts/opentype/noto"
legal_bases = "legal-bases.json"           # who sees licences by law (docs/presenting.md)

[[departments]]
code = "11440000DEMX00001X"
signer = "agent:/run/ecert/agent.sock#market"
seal = "44000000000017"                    # as filed in the ledger's register
alone_up_to = 200

[oidc]
issuer = "https://id.example"
client_id = "ecert"
client_secret_file = "/run/secrets/oidc"

[holders]                                  # people and enterprises sign in there, to the phone pages and the API
issuer = "https://people.example"
client_id = "ecert-holders"
client_secret_file = "/run/secrets/holders"
apps = ["example.app:/signed-in"]          # where apps may be sent back to

[[holders.portals]]                        # regions whose licences are shown here too
region = "310000"
name = "样例市"
name_en = "Sample City"
address = "https://licences.other.example"
signer = "agent:/run/ecert/agent.sock#portal"
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ecert.cli.files import read_bounded
from ecert.errors import EcertError, Reason

if TYPE_CHECKING:
    from pathlib import Path

MAX_SETTINGS: Final = 256 * 1024
_CREDIT_CODE: Final = r"^[0-9A-Z]{18}$"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DepartmentSettings(_Table):
    """One department that issues here.

    Attributes:
        code: Its USCC.
        signer: Its issuing key, `file:PATH` or `agent:SOCKET#NAME`.
        seal: The code of its seal in the ledger's register; None: it makes no files.
        alone_up_to: How many licences one person may seal in one go.
        tsa: The key of a time-stamping authority.
    """

    code: Annotated[str, Field(pattern=_CREDIT_CODE)]
    signer: str
    seal: str | None = None
    alone_up_to: Annotated[int, Field(ge=0)] = 200
    tsa: str | None = None


class OidcSettings(_Table):
    """Where people sign in; the secret stands in a file of its own."""

    issuer: str
    client_id: str
    client_secret_file: str


class PortalSettings(_Table):
    """Another region whose service shows its licences to holders who signed in here.

    Attributes:
        region: Its code.
        name: What it is called.
        name_en: The same in English.
        address: Its service, as it knows itself.
        signer: The key that this service is registered with there, in the role `portal`.
    """

    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    name: str
    name_en: str
    address: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]
    signer: str


class HolderSettings(OidcSettings):
    """Where holders sign in.

    Attributes:
        apps: Addresses that an app's holder may be sent back to, each of a scheme that is the app's own.
        portals: Other regions whose licences are shown here.
    """

    apps: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9.+-]{2,62}:/[!-~]{0,128}$")], ...] = ()
    portals: tuple[PortalSettings, ...] = ()


class OfficeSettings(_Table):
    """All of it; paths are as the process sees them.

    Attributes:
        development: Whether this is a demonstration on this machine: then the people of the development provider
            (`python -m api development-provider`) may sign in.
    """

    ledger: str
    published: str
    region: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    name: str
    name_en: str
    origin: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]
    portal_host: str = "ZZ.EXAMPLE"
    vault: str | None = None
    redis: str | None = None
    token_key: str | None = None
    fonts: str | None = None
    legal_bases: str | None = None
    workers: Annotated[int, Field(ge=0, le=64)] = 2
    rate: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    departments: tuple[DepartmentSettings, ...] = ()
    oidc: OidcSettings | None = None
    holders: HolderSettings | None = None
    development: bool = False


def load_settings(path: Path) -> OfficeSettings:
    """Read the file; paths in it that are not whole begin at its folder.

    Raises:
        EcertError: USAGE; it cannot be read, or something in it is unknown, missing or wrong.
    """
    try:
        content = tomllib.loads(read_bounded(path, MAX_SETTINGS, Reason.USAGE).decode())
        settings = OfficeSettings.model_validate(_arrays_fixed(content))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EcertError(Reason.USAGE, f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False))
        raise EcertError(Reason.USAGE, f"{path}: {wrong}") from error
    return _placed(settings, path.resolve().parent)


def _arrays_fixed(content: dict[str, Any]) -> dict[str, Any]:
    """Make a tuple of each array: the models are strict, and TOML has lists alone."""
    return {
        name: tuple(value) if isinstance(value, list) else _arrays_fixed(value) if isinstance(value, dict) else value
        for name, value in content.items()
    }


def _placed(settings: OfficeSettings, folder: Path) -> OfficeSettings:
    changes: dict[str, Any] = {"published": str(folder / settings.published)}
    if "://" not in settings.ledger:
        changes["ledger"] = str(folder / settings.ledger)
    for name in ("fonts", "legal_bases"):
        if getattr(settings, name) is not None:
            changes[name] = str(folder / getattr(settings, name))
    for name, oidc in (("oidc", settings.oidc), ("holders", settings.holders)):
        if oidc is not None:
            secret = str(folder / oidc.client_secret_file)
            changes[name] = oidc.model_copy(update={"client_secret_file": secret})
    return settings.model_copy(update=changes)
