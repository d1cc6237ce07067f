"""Graphic units of an OFD page as objects of a drawing (GB/T 33190, 8 to 11): outlines, texts, colours, matrices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from ecert.errors import MalformedError, Reason
from ecert.ofd.drawing import PathObject, Run, Shapes
from ecert.ofd.package import damaged
from ecert.ofd.signatures import read_box
from ecert.ofd.xml import child, child_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.ofd.drawing import Box, Colour, Matrix
    from ecert.ofd.xml import Element

BLACK: Final = (0, 0, 0)

_MAX_CHARACTERS: Final = 20_000
"""The most characters of one text object."""
_TOKEN: Final = re.compile(r"[SMLQBAC]|-?[0-9]*\.?[0-9]+(?:[eE]-?[0-9]+)?")
_COMMANDS: Final = {"S": "M", "M": "M", "L": "L", "Q": "Q", "B": "C", "A": "A", "C": "Z"}
_NUMBER: Final = re.compile(r"-?[0-9]{0,9}\.?[0-9]{1,12}(?:[eE]-?[0-9]{1,2})?")
_DEFAULT_WIDTH: Final = 0.353
_MATRIX: Final = 6


class MeasuredShapes(Shapes, Protocol):
    """Shapes that know their widths."""

    def advance(self, character: str) -> float:
        """Return the width of a character in em."""


def moved(box: Box, offset: tuple[float, float]) -> Box:
    """Return a box moved by an offset, in mm."""
    return box[0] + offset[0], box[1] + offset[1], box[2], box[3]


def read_number(value: str | None, default: float) -> float:
    """Read a number; `default` where there is none.

    Raises:
        MalformedError: FILE_DAMAGED; it is none.
    """
    if value is None:
        return default
    if not _NUMBER.fullmatch(value.strip()):
        raise damaged(f"{value[:32]!a} is not a number")
    return float(value)


def read_matrix(element: Element, box: Box) -> Matrix | None:
    """Return CTM followed by the move to the boundary; None where there is no CTM.

    Raises:
        MalformedError: FILE_DAMAGED; it is not six numbers.
    """
    value = element.get("CTM")
    if not value:
        return None
    numbers = [read_number(one, 0.0) for one in value.split()]
    if len(numbers) != _MATRIX:
        raise damaged("a CTM is not six numbers")
    a, b, c, d, e, f = numbers
    return a, b, c, d, e + box[0], f + box[1]


def read_colour(element: Element, name: str) -> Colour | None:
    """Read the colour that a child element gives; None where it gives none, or an invisible one.

    Raises:
        MalformedError: FILE_UNDRAWABLE; it is neither grey nor RGB.
    """
    found = child(element, name)
    if found is None or found.get("Alpha") == "0":
        return None
    values = [round(read_number(one, 0.0)) for one in (found.get("Value") or "0 0 0").split()]
    grey, rgb = 1, 3
    if len(values) == grey:
        values *= rgb
    if len(values) != rgb or not all(0 <= one <= 255 for one in values):  # noqa: PLR2004
        raise MalformedError(Reason.FILE_UNDRAWABLE, "a colour is neither grey nor RGB")
    return values[0], values[1], values[2]


def read_path(element: Element, offset: tuple[float, float]) -> PathObject:
    """Read a PathObject that stands at an offset.

    Raises:
        MalformedError: it is damaged, or has a colour that is not drawn.
    """
    box = moved(read_box(element.get("Boundary", "")), offset)
    data = child_text(element, "AbbreviatedData") or ""
    tokens = _TOKEN.findall(data)
    if "".join(tokens) != "".join(data.split()).replace(",", ""):
        raise damaged("an outline holds something that is none of its commands")
    matrix = read_matrix(element, box)
    if matrix is None and box[:2] != (0.0, 0.0):
        matrix = (1.0, 0.0, 0.0, 1.0, box[0], box[1])
    stroked, filled = element.get("Stroke", "true") == "true", element.get("Fill", "false") == "true"
    return PathObject(
        path=" ".join(_COMMANDS.get(token, token) for token in tokens),
        fill=(read_colour(element, "FillColor") or BLACK) if filled else None,
        stroke=(read_colour(element, "StrokeColor") or BLACK) if stroked else None,
        width=read_number(element.get("LineWidth"), _DEFAULT_WIDTH),
        opacity=read_number(element.get("Alpha"), 255.0) / 255,
        matrix=matrix,
    )


def read_runs(code: Element, font: MeasuredShapes, size: float, origin: tuple[float, float]) -> Iterator[Run]:
    """Return the runs of a TextCode: one, or one for each character where lines are not level.

    Raises:
        MalformedError: FILE_DAMAGED; it is too long, or a distance is no number.
    """
    characters = code.text or ""
    if len(characters) > _MAX_CHARACTERS:
        raise damaged(f"a text of {len(characters)} characters")
    x, y = origin[0] + read_number(code.get("X"), 0.0), origin[1] + read_number(code.get("Y"), 0.0)
    across = _deltas(code.get("DeltaX"), len(characters))
    down = _deltas(code.get("DeltaY"), len(characters))
    if across and not any(down):
        yield Run(font, characters, x, y, size, (*across, 0.0))
        return
    for index, character in enumerate(characters):
        yield Run(font, character, x, y, size, (0.0,))
        x += across[index] if index < len(across) else 0.0
        y += down[index] if index < len(down) else 0.0
        if not across and not down:
            x += font.advance(character) * size


def _deltas(value: str | None, count: int) -> tuple[float, ...]:
    """Read DeltaX or DeltaY: distances, equal ones as `g count distance`; the last one goes on for what is left."""
    if not value:
        return ()
    tokens = iter(value.split())
    found: list[float] = []
    for token in tokens:
        if token == "g":  # noqa: S105  (a mark of the format)
            times, distance = next(tokens, ""), next(tokens, "")
            if not times.isascii() or not times.isdigit():
                raise damaged("distances between characters cannot be read")
            found += [read_number(distance, 0.0)] * min(int(times), count)
        else:
            found.append(read_number(token, 0.0))
    wanted = max(count - 1, 0)
    return tuple([*found, *found[-1:] * wanted][:wanted])
