"""Outlines of characters from font files' bytes, by fontTools, in em units: x right, y up, one em high and wide."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from fontTools.misc.transform import Transform
from fontTools.pens.recordingPen import DecomposingRecordingPen, RecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont, TTLibError

from ecert.errors import IssuanceError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_COLLECTION: Final = b"ttcf"
_FAILURES: Final = (
    TTLibError,
    struct.error,
    ValueError,
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    AssertionError,
)
_FAMILY_NAMES: Final = (1, 16)
_MAX_FACES: Final = 64
_EM_BOTTOM: Final = -0.12
"""Where the em box of Chinese fonts begins below the baseline, as a part of the em, unless the font says."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character's outline, in em units, the em box from 0 to 1 in height.

    Attributes:
        outline: What a fontTools RecordingPen recorded.
        advance: Its width.
    """

    outline: Sequence[tuple[str, Any]]
    advance: float


class SealFont:
    """One or more faces; each character is taken from the first that has it."""

    def __init__(self, files: Iterable[bytes]) -> None:
        """Open fonts (OpenType, TrueType, or a collection, whose simplified Chinese face is taken).

        Raises:
            IssuanceError: one cannot be read.
        """
        self._faces = [_open(one) for one in files]

    def has(self, character: str) -> bool:
        """Tell whether a face has a character."""
        return any(ord(character) in face.cmap for face in self._faces)

    def glyph(self, character: str) -> Glyph:
        """Return a character's outline.

        Raises:
            IssuanceError: no face has it, or the face is broken.
        """
        face = next((one for one in self._faces if ord(character) in one.cmap), None)
        if face is None:
            raise IssuanceError(
                Reason.SEAL_TEXT_UNDRAWABLE, f"no font given has the character {character} (U+{ord(character):04X})"
            )
        try:
            return face.glyph(character)
        except _FAILURES as error:
            raise _unusable(error) from error


@dataclass(frozen=True, slots=True)
class _Face:
    font: Any
    cmap: dict[int, str]
    glyphs: Any
    em: int
    bottom: float

    def glyph(self, character: str) -> Glyph:
        glyph = self.glyphs[self.cmap[ord(character)]]
        whole = DecomposingRecordingPen(self.glyphs)
        glyph.draw(whole)
        pen = RecordingPen()
        scale = 1 / self.em
        whole.replay(TransformPen(pen, Transform(scale, 0, 0, scale, 0, -self.bottom)))
        return Glyph(tuple(pen.value), glyph.width / self.em)


def _unusable(error: Exception) -> IssuanceError:
    return IssuanceError(Reason.SEAL_FONT_UNUSABLE, f"the font cannot be read: {error}")


def _open(data: bytes) -> _Face:
    try:
        font = _face_of(data)
        cmap = font.getBestCmap()
        if not cmap:
            raise _unusable(ValueError("it has no Unicode characters"))
        em = font["head"].unitsPerEm
        return _Face(font, cmap, font.getGlyphSet(), em, _bottom(font, em))
    except _FAILURES as error:
        raise _unusable(error) from error


def _face_of(data: bytes) -> Any:
    """Open a font; of a collection, the face for simplified Chinese if one is named so, else the first."""
    if data[:4] != _COLLECTION:
        return TTFont(BytesIO(data), lazy=True)
    count = min(struct.unpack(">L", data[8:12])[0], _MAX_FACES)
    faces = [TTFont(BytesIO(data), fontNumber=number, lazy=True) for number in range(count)]
    return next((one for one in faces if _is_simplified_chinese(one)), faces[0])


def _is_simplified_chinese(font: Any) -> bool:
    names = [font["name"].getDebugName(number) or "" for number in _FAMILY_NAMES]
    return any(part in ("SC", "CN", "GB") for name in names for part in name.split())


def _bottom(font: Any, em: int) -> float:
    """Return where the em box begins: the typographic descender, where it and the ascender make one em."""
    metrics = font["OS/2"]
    is_em = metrics.sTypoAscender - metrics.sTypoDescender == em
    return float(metrics.sTypoDescender / em) if is_em else _EM_BOTTOM
