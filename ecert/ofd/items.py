"""What a layout draws: texts, paths, and the places of pictures. All measures are in mm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.ofd.text import Align, Style

if TYPE_CHECKING:
    from ecert.ofd.drawing import Box, Colour

PLACEHOLDER: Final = re.compile(r"\{([a-z][0-9A-Za-z]*)(?::([a-z]+))?\}")
"""A value inside a text: the item's name, and how it is written."""


@dataclass(frozen=True, slots=True)
class TextItem:
    """A text with or without values, set in a box."""

    text: str
    style: Style
    box: Box

    @property
    def names(self) -> tuple[str, ...]:
        """The data items whose values it shows, in order."""
        return tuple(match[1] for match in PLACEHOLDER.finditer(self.text))

    @property
    def may_continue(self) -> bool:
        """Whether it may go on on another page: it ends with its one value, as that stands."""
        found = list(PLACEHOLDER.finditer(self.text))
        ends = len(found) == 1 and found[0].end() == len(self.text) and found[0][2] is None
        return ends and self.style.align is not Align.SPREAD


@dataclass(frozen=True, slots=True)
class PathItem:
    """A line, rectangle or ornament; `path` as in `PathObject`."""

    path: str
    fill: Colour | None
    stroke: Colour | None
    width: float


@dataclass(frozen=True, slots=True)
class QrItem:
    """The place of the QR code."""

    box: Box


@dataclass(frozen=True, slots=True)
class PortraitItem:
    """The place of the holder's portrait."""

    box: Box


@dataclass(frozen=True, slots=True)
class EmblemItem:
    """The place of the emblem that a deployment may supply."""

    box: Box


Item = TextItem | PathItem | QrItem | PortraitItem | EmblemItem
