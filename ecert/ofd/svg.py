"""A page as SVG: every character an outline, so that it looks the same whatever fonts are there."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from ecert.ofd.drawing import PathObject, PictureObject, TextObject, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.ofd.drawing import Box, Colour, Matrix, Page, PageObject, Run, Shapes

_MEDIA: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "svg": "image/svg+xml",
}
_SEEN_THROUGH: Final = 'style="mix-blend-mode:multiply" '
"""Ink on ink: what a seal is set over stays readable."""


@dataclass(frozen=True, slots=True, repr=False)
class StampPicture:
    """A seal shown on a page.

    Attributes:
        picture: Of the seal, at its place.
        clip: The piece of it that is shown, in mm within its box; None for all of it.
    """

    picture: PictureObject
    clip: Box | None = None


def write_svg(page: Page, stamps: tuple[StampPicture, ...] = (), *, title: str = "", note: str = "") -> bytes:
    """Write a page as an SVG file of its size in mm.

    Args:
        page: What is on it.
        stamps: Seals, drawn over it.
        title: What it is, for whoever cannot see it.
        note: What it says, too, for whoever cannot see it: its texts, say.
    """
    drawer = _Drawer()
    body = [drawer.draw(one) for one in (*page.template, *page.content)]
    body += [_stamp(one, index) for index, one in enumerate(stamps)]
    size = f"{number(page.width)}", f"{number(page.height)}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}mm" height="{size[1]}mm" '
        f'viewBox="0 0 {size[0]} {size[1]}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(note)}</desc>"
    )
    ground = f'<rect width="{size[0]}" height="{size[1]}" fill="#fff"/>'
    return "".join((head, "<defs>", *drawer.definitions(), "</defs>", ground, *body, "</svg>\n")).encode()


def page_text(page: Page) -> str:
    """Return all that is written on a page, one text a line."""
    texts = (one for one in (*page.template, *page.content) if isinstance(one, TextObject))
    return "\n".join("".join(run.text for run in one.runs) for one in texts)


class _Drawer:
    """Draws objects; each character's outline is defined once and used wherever it stands."""

    def __init__(self) -> None:
        self._outlines: dict[tuple[Shapes, str], tuple[str, str]] = {}

    def definitions(self) -> Iterator[str]:
        return (f'<path id="{name}" d="{path}"/>' for name, path in self._outlines.values() if path)

    def draw(self, item: PageObject) -> str:
        match item:
            case TextObject():
                uses = "".join(use for run in item.runs for use in self._run(run))
                text = "".join(run.text for run in item.runs)
                place = _transform(item.matrix)
                return f'<g fill="{_colour(item.colour)}"{place} aria-label={quoteattr(text)}>{uses}</g>'
            case PathObject():
                return _path(item)
            case PictureObject():
                return _picture(item)

    def _run(self, run: Run) -> Iterator[str]:
        x = run.x
        scale = f"{run.size / 1000:.6f}"
        for character, advance in zip(run.text, run.advances, strict=True):
            name = self._outline(run, character)
            if name:
                yield f'<use href="#{name}" transform="matrix({scale} 0 0 {scale} {number(x)} {number(run.y)})"/>'
            x += advance

    def _outline(self, run: Run, character: str) -> str:
        """Return the name of a character's outline, defining it at its first use; "" for one that shows nothing."""
        key = (run.face, character)
        if key not in self._outlines:
            self._outlines[key] = (f"c{len(self._outlines)}", run.face.shape(character).path)
        name, path = self._outlines[key]
        return name if path else ""


def _colour(colour: Colour | None) -> str:
    return "none" if colour is None else "#{:02x}{:02x}{:02x}".format(*colour)


def _path(item: PathObject) -> str:
    stroke = f' stroke="{_colour(item.stroke)}" stroke-width="{number(item.width)}"' if item.stroke else ""
    opacity = f' opacity="{number(item.opacity)}"' if item.opacity < 1 else ""
    return f'<path d="{item.path}" fill="{_colour(item.fill)}"{stroke}{opacity}{_transform(item.matrix)}/>'


def _transform(matrix: Matrix | None) -> str:
    return "" if matrix is None else f' transform="matrix({" ".join(f"{one:.6g}" for one in matrix)})"'


def _picture(item: PictureObject, extra: str = "") -> str:
    media = _MEDIA.get(item.kind.lower())
    if media is None:
        return ""
    x, y, w, h = map(number, item.box)
    data = b64encode(item.data).decode()
    return (
        f'<image x="{x}" y="{y}" width="{w}" height="{h}" preserveAspectRatio="none" {extra}'
        f'href="data:{media};base64,{data}"/>'
    )


def _stamp(stamp: StampPicture, index: int) -> str:
    if stamp.clip is None:
        return _picture(stamp.picture, _SEEN_THROUGH)
    left, top = stamp.picture.box[:2]
    x, y, w, h = stamp.clip
    window = f'x="{number(left + x)}" y="{number(top + y)}" width="{number(w)}" height="{number(h)}"'
    clip = f'<clipPath id="s{index}"><rect {window}/></clipPath>'
    return clip + _picture(stamp.picture, f'clip-path="url(#s{index})" {_SEEN_THROUGH}')
