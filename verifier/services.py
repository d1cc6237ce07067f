"""What a window's process is made of, from its settings. Everything that can be wrong with them is found here."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ecert.cli.files import read_bounded
from ecert.errors import EcertError, Reason
from ecert.web.metrics import Metrics
from verifier.desk import Desk
from verifier.health import Health
from verifier.intake import Intake
from verifier.keeper import Keeper, open_folder
from verifier.page import Page
from verifier.publisher import open_publisher
from verifier.receipts import Receipts
from verifier.redis_site import RedisSite, require_redis_url
from verifier.refresh import Refresher
from verifier.site import LocalSite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from verifier.matters.office import Office
    from verifier.redeeming import Redeemer

MAX_NAME: Final = 40
"""The longest name of a window in characters."""
MAX_TOKEN: Final = 4096
"""The longest bearer token in characters."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}=*")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a window's process runs.

    Attributes:
        folder: The window's folder, with its pinned root.
        publishers: URLs or folders; without any the window runs from what it holds, with no network at all.
        redis: URL of the site's Redis; None when this process is the whole site.
        window: The window's name, shown on the page.
        token: Bearer token for receipts; None sends none.
        regions: Codes of the regions whose licences it verifies; none: every region's. The same in all of a site.
        matters: The file that makes it accept matters (docs/matters.md); None: it verifies only.
    """

    folder: Path
    publishers: tuple[str, ...] = ()
    redis: str | None = None
    window: str = ""
    token: str | None = None
    regions: tuple[str, ...] = ()
    matters: Path | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """A running process: its parts, begun and ended together."""

    keeper: Keeper
    refresher: Refresher
    desk: Desk
    health: Health
    page: Page
    intake: Intake
    metrics: Metrics
    receipts: Receipts | None
    office: Office | None

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.refresher.run())
            if self.receipts is not None:
                tasks.create_task(self.receipts.run())
            if self.office is not None:
                tasks.create_task(self.office.run())

    async def close(self) -> None:
        """Save what is held, and let go of everything."""
        await self.refresher.close()
        self.desk.close()
        if self.office is not None:
            await self.office.close()


def build_services(settings: Settings, clock: Callable[[], datetime], redeemer: Redeemer | None = None) -> Services:
    """Make a process from its settings; nothing runs yet.

    Args:
        settings: How it runs.
        clock: Returns the time, aware.
        redeemer: Has phones' dynamic codes redeemed; by default the services that an office is connected with, and
            without any the page says what to do instead.

    Raises:
        EcertError: the folder, its root, a URL or the window's name cannot be used.
    """
    if len(settings.window) > MAX_NAME or not settings.window.isprintable():
        raise EcertError(Reason.USAGE, f"the window's name has at most {MAX_NAME} printable characters")
    holdings, problem = open_folder(settings.folder, clock())
    publishers = [open_publisher(source) for source in settings.publishers]
    site = LocalSite() if settings.redis is None else RedisSite(require_redis_url(settings.redis))
    keeper = Keeper(holdings, clock, settings.folder, settings.regions)
    if problem is not None:
        keeper.note("saving", problem)
    refresher = Refresher(keeper, site, publishers)
    receipts = None if settings.token is None else Receipts(keeper, publishers, settings.token)
    health = Health(keeper, refresher, receipts)
    metrics = Metrics()
    metrics.registry.register(health)
    desk = Desk(keeper, publishers)
    office = None if settings.matters is None else _open_office(settings.matters, settings.window, keeper, desk)
    page = Page(settings.window, keeper, takes_matters=office is not None, online=bool(publishers))
    intake = Intake(desk, keeper, settings.window, redeemer or (None if office is None else office.redeemer))
    return Services(keeper, refresher, desk, health, page, intake, metrics, receipts, office)


def _open_office(file: Path, window: str, keeper: Keeper, desk: Desk) -> Office:
    from verifier.matters.office import open_office  # noqa: PLC0415  (needs the extra `sql`)

    return open_office(file, window, keeper, desk)


def read_token(environment: Mapping[str, str]) -> str | None:
    """Return the bearer token for receipts from `ECERT_WINDOW_TOKEN`, or the file that `..._FILE` names.

    Raises:
        EcertError: both are set, the file cannot be read, or there is no token in it.
    """
    token, file = environment.get("ECERT_WINDOW_TOKEN"), environment.get("ECERT_WINDOW_TOKEN_FILE")
    if token is None and file is None:
        return None
    if token is not None and file is not None:
        raise EcertError(Reason.USAGE, "set ECERT_WINDOW_TOKEN or ECERT_WINDOW_TOKEN_FILE, not both")
    if file is not None:
        token = read_bounded(Path(file), MAX_TOKEN, Reason.USAGE).decode("ascii", "replace").strip()
    if not token or not _TOKEN.fullmatch(token):
        raise EcertError(Reason.USAGE, "the window's token is not a bearer token: letters, digits and -._~+/= only")
    return token
