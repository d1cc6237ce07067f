"""Objects of a page as OFD graphic units (GB/T 33190, 8 to 11)."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from ecert.ofd.drawing import PathObject, PictureObject, TextObject, number
from ecert.ofd.markup import box_text, colour_text, leaf, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ecert.ofd.drawing import Page, PageObject, Run
    from ecert.ofd.fonts import FontFace

_COMMANDS = (("C", " B "), ("Z", " C "), ("M", " M "), ("L", " L "), ("Q", " Q "))
"""SVG's commands and OFD's, in an order in which no replacement is replaced again."""


class Identifiers:
    """Gives out the identifiers of a document, in the order of the numbers."""

    def __init__(self, last: int) -> None:
        """Begin after `last`."""
        self.last = last

    def take(self) -> str:
        """Return one not given out before."""
        self.last += 1
        return str(self.last)


class Resources:
    """Fonts and pictures that the objects of one layer use, each with its identifier."""

    def __init__(self, identifiers: Identifiers) -> None:
        self._identifiers = identifiers
        self.fonts: dict[FontFace, str] = {}
        self.characters: defaultdict[FontFace, set[str]] = defaultdict(set)
        self.pictures: dict[tuple[str, bytes], str] = {}

    def font(self, face: FontFace, text: str) -> str:
        """Return the identifier of a face, and note the characters it is used for."""
        if face not in self.fonts:
            self.fonts[face] = self._identifiers.take()
        self.characters[face].update(text)
        return self.fonts[face]

    def picture(self, item: PictureObject) -> str:
        """Return the identifier of a picture."""
        key = (item.kind, item.data)
        if key not in self.pictures:
            self.pictures[key] = self._identifiers.take()
        return self.pictures[key]


class ObjectWriter:
    """Writes objects, and keeps which object shows which data item."""

    def __init__(self, page: Page, identifiers: Identifiers, resources: Resources) -> None:
        self._whole = box_text((0.0, 0.0, page.width, page.height))
        self._identifiers = identifiers
        self._resources = resources
        self.shown: defaultdict[str, list[str]] = defaultdict(list)

    def write(self, objects: Iterable[PageObject]) -> str:
        """Return the objects as XML."""
        return "".join(part for item in objects for part in self._write(item))

    def _write(self, item: PageObject) -> Iterator[str]:
        match item:
            case TextObject():
                for (face, _size), runs in groupby(item.runs, key=lambda run: (run.face, run.size)):
                    yield self._text(item, face, list(runs))
            case PathObject():
                yield write_path(item, self._whole, self._identifiers.take())
            case PictureObject():
                yield self._picture(item)

    def _text(self, item: TextObject, face: FontFace, runs: list[Run]) -> str:
        identifier = self._identifiers.take()
        self._show(item.items, identifier)
        font = self._resources.font(face, "".join(run.text for run in runs))
        left, top = item.box[:2]
        codes = "".join(
            leaf("TextCode", run.text, X=number(run.x - left), Y=number(run.y - top), **_delta(run)) for run in runs
        )
        size = number(runs[0].size)
        colour = tag("FillColor", Value=colour_text(item.colour))
        return tag("TextObject", colour, codes, ID=identifier, Boundary=box_text(item.box), Font=font, Size=size)

    def _picture(self, item: PictureObject) -> str:
        identifier = self._identifiers.take()
        self._show(item.items, identifier)
        width, height = number(item.box[2]), number(item.box[3])
        return tag(
            "ImageObject",
            ID=identifier,
            Boundary=box_text(item.box),
            CTM=f"{width} 0 0 {height} 0 0",
            ResourceID=self._resources.picture(item),
        )

    def _show(self, items: tuple[str, ...], identifier: str) -> None:
        for name in items:
            self.shown[name].append(identifier)


def _delta(run: Run) -> dict[str, str]:
    """Write the distances between characters; equal ones as `g count distance`."""
    groups = [(value, len(list(same))) for value, same in groupby(map(number, run.advances[:-1]))]
    text = " ".join(value if count == 1 else f"g {count} {value}" for value, count in groups)
    return {"DeltaX": text} if text else {}


def write_path(item: PathObject, boundary: str, identifier: str) -> str:
    """Return an outline as XML; `boundary` is the whole page, in whose measures the outline is."""
    data = item.path
    for svg, ofd in _COMMANDS:
        data = data.replace(svg, ofd)
    colours = [
        tag(name, Value=colour_text(colour))
        for name, colour in (("StrokeColor", item.stroke), ("FillColor", item.fill))
        if colour is not None
    ]
    extra = {} if item.opacity >= 1 else {"Alpha": str(round(item.opacity * 255))}
    if item.matrix is not None:
        extra["CTM"] = " ".join(f"{one:.6g}" for one in item.matrix)
    return tag(
        "PathObject",
        *colours,
        leaf("AbbreviatedData", data.strip()),
        ID=identifier,
        Boundary=boundary,
        LineWidth=number(item.width),
        Stroke="true" if item.stroke else "false",
        Fill="true" if item.fill else "false",
        **extra,
    )
