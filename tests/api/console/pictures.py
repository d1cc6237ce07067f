"""Pictures for sample pages, drawn by the product itself: pages of licences, seals, QR codes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from ecert.cli.fonts import load_fonts
from ecert.cli.pixels import draw_png
from ecert.licence.types import find_type
from ecert.ofd.compose import compose
from ecert.ofd.drawing import PictureObject
from ecert.ofd.layout import load_layout
from ecert.ofd.svg import StampPicture, write_svg
from ecert.seal.font import SealFont
from ecert.seal.picture import SealDesign, draw_seal
from tests.ofd.licences import DEMO, LINK, documents

_LETTERS = Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc")
_NAME = "样例省市场监督管理局"


def application(slug: str, number: int = 0) -> dict[str, object]:
    """One of the demo's applications, as JSON."""
    found: dict[str, object] = json.loads((DEMO / f"{slug}.json").read_bytes())[number]
    return found


@cache
def _font() -> SealFont:
    return SealFont([_LETTERS.read_bytes()])


@cache
def seal(name: str = _NAME, title: str = "", code: str = "44000000000017") -> bytes:
    """The picture of a seal, SVG."""
    return draw_seal(SealDesign(name, 42, code, title), _font()).svg()


@cache
def face(slug: str, number: int = 0, *, sealed: bool = True) -> bytes:
    """The picture of a licence's page, SVG."""
    definition = find_type(slug)
    layout, document = load_layout(definition), documents(definition)[number]
    x, y = layout.seal
    stamp = StampPicture(PictureObject((x - 21, y - 21, 42, 42), "svg", seal()))
    return write_svg(compose(layout, document.face, load_fonts())[0], (stamp,) if sealed else ())


@cache
def qr() -> bytes:
    """The picture of a QR code, PNG."""
    return draw_png(LINK)


def picture(address: str) -> tuple[bytes, str]:
    """Return the picture that a sample page names, and its media type.

    Addresses end in `face/<slug>/<number>`, `draft/<slug>`, `seal/<name>/<title>` or `qr`.
    """
    kind, *rest = address.split("/")
    match kind:
        case "face":
            return face(rest[0], int(rest[1])), "image/svg+xml"
        case "draft":
            return face(rest[0], sealed=False), "image/svg+xml"
        case "seal":
            return seal(*rest), "image/svg+xml"
        case _:
            return qr(), "image/png"
