"""What the routes and pages of an office decide by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.batches.desk import SUBJECT, carry_out
from api.lifecycle.desk import House

if TYPE_CHECKING:
    from api.office import Office


def house_of(office: Office) -> House:
    """Return where an office's licences are decided about."""
    return House(office.departments, office.settings.region, office.clock, {SUBJECT: carry_out})
