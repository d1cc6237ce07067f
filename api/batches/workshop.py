"""What batches are worked on with, by the service, its workers and the command line alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from api.departments import open_departments
from api.pool import LedgerPool
from api.preparing import prepare
from api.registry import CurrentRegistry
from ecert.cli.fonts import load_fonts

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from api.departments import Departments
    from api.settings import OfficeSettings
    from ecert.sm2 import Signer, Vault


@dataclass(frozen=True, slots=True)
class Workshop:
    """It.

    Attributes:
        pool: The region's ledger.
        departments: Who issues here.
        clock: Returns the time.
    """

    pool: LedgerPool
    departments: Departments
    clock: Callable[[], datetime]


def open_workshop(
    settings: OfficeSettings, clock: Callable[[], datetime], *, signer: Callable[[str], Signer], vault: Vault | None
) -> Workshop:
    """Open what workers need of a service.

    Raises:
        EcertError: something cannot be used.
        OSError: a file is not there.
    """
    registry = CurrentRegistry(Path(settings.published))
    fonts = load_fonts(None if settings.fonts is None else Path(settings.fonts))
    departments = open_departments(settings, registry, fonts, clock, signer)
    pool = LedgerPool(settings.ledger, vault, threads=1)
    pool.do(lambda ledger: prepare(ledger, settings.region, clock()))
    return Workshop(pool, departments, clock)
