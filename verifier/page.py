"""The pages of a window: the scan page with its verdicts, and the public one. Complete without JavaScript."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ecert.web.display import SIZES
from verifier.lights import clock_time, lights
from verifier.sighting_view import HEADINGS, view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecert.web.display import Display
    from ecert.wording import Wording
    from verifier.intake import Sighting
    from verifier.keeper import Keeper
    from verifier.scans import Scans

DISPLAY_COOKIE: Final = "display"
"""The size of the text, for whoever wants it large. It says nothing else about anybody."""


class Page:
    """Renders the pages for one window."""

    def __init__(self, window: str, keeper: Keeper, *, takes_matters: bool = False, online: bool = False) -> None:
        """Render for a window.

        Args:
            window: Its name.
            keeper: What it knows.
            takes_matters: Whether there is a way to its matters.
            online: Whether it has publishers.
        """
        loader = FileSystemLoader(Path(__file__).parent / "templates")
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._environment = environment
        self._keeper = keeper
        self._online = online
        self._common = {"window": window, "takes_matters": takes_matters, "sizes": SIZES}

    def scan(
        self,
        scans: Scans | None,
        display: Display,
        *,
        sightings: Sequence[tuple[Sighting, str | None]] = (),
        notice: Wording | None = None,
        detail: str = "",
    ) -> str:
        """Return the scan page.

        Args:
            scans: Today's scans; None for the page that a browser keeps for the time without a network.
            display: How it is to look.
            sightings: What was seen just now, each with the name of its file's picture, if there is one.
            notice: What went wrong with the request itself.
            detail: What exactly.
        """
        shown = [view(*one) for one in sightings]
        return self._render("window", display, shown=shown, notice=notice, detail=detail, today=self._today(scans))

    def public(self, display: Display, *, sighting: Sighting | None = None, notice: Wording | None = None) -> str:
        """Return the public page: of a sighting it shows the outcome, and nothing of the licence."""
        return self._render(
            "public", display, shown=None if sighting is None else view(sighting), notice=notice, detail=""
        )

    def lights(self) -> str:
        """Return the lamps alone, for a page that is open to keep up with."""
        return self._environment.get_template("window/lights.html").render(lights=self._lights())

    def _lights(self) -> object:
        return lights(self._keeper, online=self._online)

    def _today(self, scans: Scans | None) -> dict[str, Any]:
        now = self._keeper.clock()
        counts = {} if scans is None else scans.counts(now)
        last = () if scans is None else scans.last(now)
        return {
            "counts": [(kind, *words, counts.get(kind, 0)) for kind, words in HEADINGS.items()],
            "last": [{"scan": one, "icon": HEADINGS[one.kind][0], "time": clock_time(one.at, now)} for one in last],
        }

    def _render(self, name: str, display: Display, **content: Any) -> str:
        template = self._environment.get_template(f"{name}.html")
        return template.render(**self._common, lights=self._lights(), display=display, **content)
