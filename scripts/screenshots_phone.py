"""Pictures of the phone pages, from a running service with invented people. `scripts/screenshots` has them drawn."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from api.access.principals import Role
from tests.api.holder.phones import Phone
from tests.api.holder.world import other_region, phone_service
from tests.api.office import Region
from tests.api.province import Provinces
from tests.api.showing.counter import WANG, ask, redeem
from tests.browsing import chromium

if TYPE_CHECKING:
    from tests.api.office import Site

UNIT = "样例市民政务服务中心"
HEIGHT = 844
WIDTHS = {"phone": 390, "narrow": 320}


class Pictures:
    """Draws one page after the other."""

    def __init__(self, phone: Phone, out: Path, kind: str, width: int) -> None:
        """Put the pictures of a kind of phone into a folder."""
        self._phone, self._out, self._kind, self._width, self._count = phone, out, kind, width, 0

    def take(self, name: str) -> None:
        """Draw the page that the phone is at, from its top to its end."""
        page = self._phone.page
        page.wait_for_load_state("load")
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": self._width, "height": max(height, HEIGHT)})
        page.wait_for_timeout(400)
        self._count += 1
        file = self._out / f"{self._kind}-{self._count:02}-{name}.png"
        page.screenshot(path=file)
        page.set_viewport_size({"width": self._width, "height": HEIGHT})
        print(file, file=sys.stderr)


def draw(phone: Phone, pictures: Pictures, *, elder: bool) -> None:
    """Go through every page."""
    phone.open("/sign-in")
    if elder:
        phone.page.click(".switch")
    pictures.take("sign-in")
    phone.sign_in()
    ask(phone.site, WANG, UNIT)
    phone.open()
    pictures.take("licences")
    phone.page.click(".card:has-text('居民身份证')")
    pictures.take("licence")
    address = phone.page.url
    phone.page.click("div:has(> dt:text-is('姓名')) .eye")
    pictures.take("revealed")
    phone.page.goto(f"{address}/show")
    pictures.take("choose")
    code = phone.show()
    pictures.take("code")
    redeem(phone.site, code, UNIT)
    phone.page.wait_for_selector("h1:has-text('已被使用')")
    pictures.take("taken")
    redeem(phone.site, code, UNIT)
    for name in ("consents", "uses", "nothing"):
        phone.open(f"/{name}")
        pictures.take(name)
    phone.open()
    phone.page.click("summary")
    pictures.take("identities")


def run(site: Site, out: Path) -> None:
    """Draw all pages on phones of every kind."""
    with chromium() as browser:
        for kind, width in WIDTHS.items():
            for elder in (False, True):
                context = browser.new_context(
                    viewport={"width": width, "height": HEIGHT}, device_scale_factor=2, has_touch=True
                )
                phone = Phone(context.new_page(), site)
                pictures = Pictures(phone, out, f"{kind}-elder" if elder else kind, width)
                draw(phone, pictures, elder=elder)
                context.close()


def draw_phone(out: Path) -> None:
    """Draw every page, on phones of every kind."""
    with tempfile.TemporaryDirectory(prefix="ecert-phone-") as folder:
        region = Region(Provinces(Path(folder)))
        region.add_system("issuer-clerk", Role.ISSUER_CLERK)
        region.add_system(UNIT, Role.WINDOW)
        with other_region(region) as other, phone_service(region, other, Path(folder)) as site:
            run(site, out)
