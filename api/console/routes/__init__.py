"""The pages of the console: one module for each section, each with `router(office)`; none is in the OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.staticfiles import StaticFiles

from api.console.pages import STATIC
from api.console.routes import (
    audit,
    batches,
    callers,
    catalogue,
    dashboard,
    decisions,
    entrance,
    issuing,
    licences,
    proposals,
    seals,
)
from api.console.views.frame import HOME

if TYPE_CHECKING:
    from typing import Any

    from fastapi import FastAPI
    from starlette.responses import Response

    from api.office import Office

PAGES: Final = (
    audit,
    batches,
    callers,
    catalogue,
    dashboard,
    decisions,
    entrance,
    issuing,
    licences,
    proposals,
    seals,
)
"""The modules of all pages."""


class Files(StaticFiles):
    """The files of every page: browsers ask again, and are told that they have them already."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        """Answer with a file that is to be asked for again."""
        answer = super().file_response(*arguments, **named)
        answer.headers["cache-control"] = "no-cache"
        return answer


def add_console(app: FastAPI, office: Office) -> None:
    """Add the console of a region."""
    app.mount(f"{HOME}/static", Files(directory=STATIC))
    for one in PAGES:
        app.include_router(one.router(office), include_in_schema=False)
