"""Pictures of the window's pages in every outcome: desk, phone, elder mode. `scripts/screenshots` has them drawn."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ecert.qr import encode_text
from ecert.revocation import State
from tests.browsing import chromium
from tests.verifier.province import Province
from tests.verifier.servers import PublishingServer, WindowProcess

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LOOKS: Final = (("desk", 1280, ""), ("phone", 390, ""), ("elder", 1280, "26"))
"""Name, width in pixels, and size of the text in points where it is the elder mode."""
_HOST: Final = "zz.example"


def draw_window(out: Path, only: str) -> None:
    """Draw the pages whose names contain what was asked for."""
    logging.disable()  # the publisher that ends with its windows would complain
    with tempfile.TemporaryDirectory() as folder:
        province = Province(Path(folder) / "published")
        publisher = PublishingServer(province.folder)
        window = _window(province, publisher, Path(folder) / "window")
        try:
            codes = _codes(province, window)
            with chromium() as browser:
                _draw(browser, window.url, codes, out, only)
        finally:
            window.stop()
            publisher.stop()


def _window(province: Province, publisher: PublishingServer, folder: Path) -> WindowProcess:
    folder.mkdir()
    (folder / "root.json").write_bytes(province.root)
    publisher.start()
    window = WindowProcess(folder, "--publisher", publisher.url, "--window", "浦东3号窗口")
    window.start()
    window.reaches(province.status.sequence)
    return window


def _codes(province: Province, window: WindowProcess) -> dict[str, str]:
    """Return a code of every outcome."""
    good, revoked, suspended = province.issue(0), province.issue(1), province.issue(1, "food-business-licence")
    province.decide(revoked, State.REVOKED, reason="提供虚假材料取得")
    sequence = province.decide(suspended, State.SUSPENDED, reason="配合调查")
    province.publish_pages()
    window.reaches(sequence)
    forged, unknown = bytearray(good.face), bytearray(good.face)
    forged[-1] ^= 1
    unknown[11] ^= 1
    faces = {
        "valid": good.face,
        "person": province.issue(0, "resident-identity-card").face,
        "revoked": revoked.face,
        "suspended": suspended.face,
        "forged": bytes(forged),
        "unknown": bytes(unknown),
    }
    texts = {name: encode_text(face, _HOST) for name, face in faces.items()}
    return {"empty": "", **texts, "damaged": texts["valid"][:-4]}


def _draw(browser: Browser, address: str, codes: dict[str, str], out: Path, only: str) -> None:
    for look, width, elder in LOOKS:
        context = browser.new_context(viewport={"width": width, "height": 900})
        if elder:
            context.add_cookies([{"name": "display", "value": elder, "url": address}])
        for path, page_name in (("/", "window"), ("/public", "public")):
            for code, text in codes.items():
                name = f"{page_name}-{look}-{code}"
                if only in name:
                    page = context.new_page()
                    page.goto(f"{address}{path}")
                    _shoot(page, text, out / f"{name}.png")
                    page.close()
        context.close()


def _shoot(page: Page, text: str, file: Path) -> None:
    if text:
        page.fill("#scan", text)
        page.press("#scan", "Enter")
        page.wait_for_selector(".verdict")
    page.screenshot(path=file, full_page=True)
    print(file, file=sys.stderr)
