"""Pictures of the window's pages for matters: desk, narrow, printed. `scripts/screenshots` has them drawn."""

from __future__ import annotations

import logging
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.browsing import chromium
from tests.verifier.matters.conftest import CARD, COMPANY, PURPOSE, RELOCATION, SCAN, City, open_city

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS: Final = {"desk": 1280, "narrow": 320}
PRINTED: Final = {"slip", "notice", "receipt"}
"""Pages that are printed too."""


def draw_matters(out: Path, only: str) -> None:
    """Draw the pages whose names contain what was asked for."""
    logging.disable()  # the publisher that ends with its windows would complain
    with tempfile.TemporaryDirectory(prefix="ecert-matters-") as folder, open_city(Path(folder)) as city:
        addresses = _addresses(city)
        with chromium() as browser:
            for look, width in WIDTHS.items():
                context = browser.new_context(viewport={"width": width, "height": 900})
                for name, value in city.clerk.http.cookies.items():
                    context.add_cookies([{"name": name, "value": value, "url": city.window.url}])
                for name, path in addresses.items():
                    if only in f"matters-{look}-{name}":
                        page = context.new_page()
                        page.goto(f"{city.window.url}{path}")
                        _shoot(page, out, f"matters-{look}-{name}", printed=look == "desk" and name in PRINTED)
                        page.close()
                context.close()


def _addresses(city: City) -> dict[str, str]:
    """Play the day of a clerk; return the address of every page that it left."""
    clerk, service = city.clerk, city.service
    clerk.begin()
    clerk.scan(service.show(service.issue(), purpose=PURPOSE))
    clerk.settle("photo", "deferred")
    clerk.settle("residence", "promised", files=SCAN)
    slip = clerk.accept()
    clerk.post(f"{slip}/dues/residence", data={"found": "false", "note": "查无此住址"})
    with sqlite3.connect(city.folder / "register.db") as file:
        file.execute("update dues set by = '2026-01-02' where settled = 'deferred'")
    clerk.begin()
    clerk.ask()
    waiting = clerk.case
    clerk.begin()
    clerk.scan(service.show(service.issue(2), purpose=PURPOSE))
    wrong = clerk.case
    clerk.begin(RELOCATION, **COMPANY)
    return {
        "sign-in": "/sign-in",
        "list": "/matters",
        "begin": f"/matters/{CARD}",
        "needed": clerk.case,
        "waiting": waiting,
        "somebody-else": wrong,
        "slip": slip,
        "receipt": f"{slip}/evidence",
        "accepted": "/acceptances",
        "statistics": "/statistics",
        "unknown": "/matters/nothing",
    }


def _shoot(page: Page, out: Path, name: str, *, printed: bool) -> None:
    file = out / f"{name}.png"
    page.screenshot(path=file, full_page=True)
    print(file, file=sys.stderr)
    if printed:
        page.emulate_media(media="print")
        page.screenshot(path=out / f"{name}-printed.png", full_page=True)
