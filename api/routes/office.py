"""All addresses of the issuing service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.routes import (
    audit,
    batches,
    callers,
    decisions,
    licences,
    overview,
    proposals,
    seals,
    tokens,
    transfers,
    types,
)

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.office import Office


def add_office(app: FastAPI, office: Office) -> None:
    """Add the routes and pages of a region."""
    for one in (batches, decisions, licences, overview, proposals, seals, callers, audit, tokens, transfers, types):
        app.include_router(one.router(office))
