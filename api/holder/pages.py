"""Makes a page of a view: everything escaped, nothing left undefined, and no inline script or style (`POLICY`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.console.pages import HEADERS
from api.console.wording import badge, both, said
from api.holder import views
from api.holder.views import HOME
from ecert.licence.validity import CHINA

if TYPE_CHECKING:
    from datetime import date, datetime

    from api.holder.views import Frame

__all__ = ["HEADERS", "STATIC", "Pages", "View"]

_FOLDER: Final = Path(__file__).parent
STATIC: Final = _FOLDER / "static"
"""What is served at `/holder/static`."""

_TEMPLATES: Final[dict[type, str]] = {
    views.SignIn: "sign_in.html",
    views.Licences: "licences.html",
    views.Licence: "licence.html",
    views.Choose: "choose.html",
    views.Code: "code.html",
    views.Consents: "consents.html",
    views.Uses: "uses.html",
    views.Refusal: "refusal.html",
}
View = (
    views.SignIn
    | views.Licences
    | views.Licence
    | views.Choose
    | views.Code
    | views.Consents
    | views.Uses
    | views.Refusal
)
"""Whatever a page can be made of."""


def moment(instant: datetime) -> str:
    """Return an instant as a clock in China shows it."""
    return f"{instant.astimezone(CHINA):%Y-%m-%d %H:%M}"


def second(instant: datetime) -> str:
    """Return an instant as a clock in China shows it, without the day."""
    return f"{instant.astimezone(CHINA):%H:%M:%S}"


def day(value: date | None) -> str:
    """Return a day; None is 长期, the day that never comes."""
    return value.isoformat() if value else "长期"


class Pages:
    """Renders the pages of one region."""

    def __init__(self, region: str, region_en: str) -> None:
        """Render for the region of this name."""
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(both=both, badge=badge, moment=moment, second=second, day=day)
        self._environment.globals.update(t=said, home=HOME, region=region, region_en=region_en)

    def render(self, frame: Frame, view: View) -> str:
        """Return the page of a view as HTML."""
        return self._environment.get_template(_TEMPLATES[type(view)]).render(frame=frame, view=view)
