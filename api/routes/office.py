"""All addresses of the issuing service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.routes import (
    audit,
    batches,
    callers,
    decisions,
    docs,
    histories,
    licences,
    overview,
    portals,
    proposals,
    seals,
    showings,
    tokens,
    transfers,
    types,
)

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.office import Office


_ALL: Final = (
    *(batches, decisions, histories, licences, transfers),
    *(overview, proposals, seals, callers, audit, tokens, types, docs),
    *(showings, portals),
)
"""`decisions` and `histories` stand before `licences`, whose files have any other name."""


def add_office(app: FastAPI, office: Office) -> None:
    """Add the routes and pages of a region."""
    for one in _ALL:
        app.include_router(one.router(office))
