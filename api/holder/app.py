"""The phone pages of a region, added to its service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from api.console.routes import Files
from api.holder.pages import STATIC
from api.holder.routes import add_pages
from api.holder.views import HOME

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.office import Office


def add_phone_pages(app: FastAPI, office: Office) -> None:
    """Add the pages and their files."""
    app.mount(f"{HOME}/static", Files(directory=STATIC))
    routes = APIRouter()
    add_pages(routes, office)
    app.include_router(routes, include_in_schema=False)
