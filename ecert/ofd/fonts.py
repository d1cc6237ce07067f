"""Fonts as bytes: which characters they have, how wide, what they look like, and subsets to embed; by HarfBuzz.

All measures are in em: 1 is the font size, x to the right, y downwards from the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import uharfbuzz as hb

from ecert.errors import IssuanceError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ASCENT: Final = 0.88
"""Height of the em box above the baseline, which all fonts for Chinese share."""

_REGIONS: Final = ("SC", "CN", "GB")
_MAX_FACES: Final = 64
_MAX_SUBSETS: Final = 128
_FEW: Final = 16
"""How many subsets are cut from a whole face before it pays to make a smaller one ready."""
_UNNEEDED: Final = ("BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx")
"""Tables of shaping and vertical writing; every character is placed by the page itself."""


@dataclass(frozen=True, slots=True)
class GlyphShape:
    """One character's outline: an SVG path in thousandths of the em, and its advance in em."""

    path: str
    advance: float


class _PathPen:
    """Writes an outline as an SVG path, turned upside down: fonts count upwards, pages downwards."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self.parts: list[str] = []

    def _write(self, command: str, *points: tuple[float, float]) -> None:
        numbers = (f"{x * self._scale:.0f} {-y * self._scale:.0f}" for x, y in points)
        self.parts.append(command + " ".join(numbers))

    def moveTo(self, point: tuple[float, float]) -> None:  # noqa: N802  (names of the pen protocol)
        self._write("M", point)

    def lineTo(self, point: tuple[float, float]) -> None:  # noqa: N802
        self._write("L", point)

    def curveTo(self, *points: tuple[float, float]) -> None:  # noqa: N802
        self._write("C", *points)

    def qCurveTo(self, *points: tuple[float, float]) -> None:  # noqa: N802
        self._write("Q", *points)

    def closePath(self) -> None:  # noqa: N802
        self.parts.append("Z")


class FontFace:
    """One face of a font file."""

    def __init__(self, data: bytes) -> None:
        """Open a font: OpenType, TrueType, or a collection, of which the face for simplified Chinese is taken.

        Raises:
            IssuanceError: LAYOUT_FONT_UNUSABLE; not a font, or one without characters.
        """
        self._face = _open(data)
        self._font = hb.Font(self._face)
        self._em = self._face.upem
        if not len(self._face.unicodes):
            raise IssuanceError(Reason.LAYOUT_FONT_UNUSABLE, "the font file is no font, or has no characters")
        self.family = self._name(hb.OTNameIdPredefined.FONT_FAMILY)
        self.name = self._name(hb.OTNameIdPredefined.POSTSCRIPT_NAME)
        self._glyphs: dict[str, int | None] = {}
        self._advances: dict[str, float] = {}
        self._shapes: dict[str, GlyphShape] = {}
        self._subsets: dict[frozenset[str], bytes] = {}
        self._made = 0
        self._common: tuple[frozenset[str], hb.Face] | None = None

    def _name(self, which: hb.OTNameIdPredefined) -> str:
        return self._face.get_name(which) or "Unnamed"

    def _glyph(self, character: str) -> int | None:
        if character not in self._glyphs:
            self._glyphs[character] = self._font.get_nominal_glyph(ord(character))
        return self._glyphs[character]

    def has(self, character: str) -> bool:
        """Tell whether it has a character."""
        return bool(self._glyph(character))

    def advance(self, character: str) -> float:
        """Return the width of a character that it has, in em."""
        if character not in self._advances:
            self._advances[character] = self._font.get_glyph_h_advance(self._glyph(character) or 0) / self._em
        return self._advances[character]

    def shape(self, character: str) -> GlyphShape:
        """Return what a character that it has looks like."""
        if character not in self._shapes:
            pen = _PathPen(1000 / self._em)
            self._font.draw_glyph_with_pen(self._glyph(character) or 0, pen)
            self._shapes[character] = GlyphShape("".join(pen.parts), self.advance(character))
        return self._shapes[character]

    def subset(self, characters: Iterable[str]) -> bytes:
        """Return a font file with these characters alone; the same set gives the same bytes.

        Raises:
            IssuanceError: LAYOUT_FONT_UNUSABLE; the font is broken.
        """
        wanted = frozenset(characters)
        if wanted not in self._subsets:
            if len(self._subsets) >= _MAX_SUBSETS:
                self._subsets.clear()
            self._subsets[wanted] = self._make_subset(wanted)
        return self._subsets[wanted]

    def _make_subset(self, wanted: frozenset[str]) -> bytes:
        self._made += 1
        if self._made > _FEW:
            characters, face = self._common = self._common or self._make_common()
            if wanted <= characters:
                return self._cut(face, wanted)
        return self._cut(self._face, wanted)

    def _make_common(self) -> tuple[frozenset[str], hb.Face]:
        """Return the characters that are usual, and a small face with them, made ready to be cut again and again.

        What is cut from it is, byte for byte, what would be cut from the whole, in a fifth of the time.
        """
        characters = frozenset(filter(self.has, _usual()))
        return characters, hb.subset_preprocess(hb.Face(hb.Blob(self._cut(self._face, characters))))

    def _cut(self, face: hb.Face, wanted: frozenset[str]) -> bytes:
        request = hb.SubsetInput()
        request.flags = hb.SubsetFlags.NO_HINTING
        request.sets(hb.SubsetInputSets.UNICODE).update(map(ord, sorted(wanted)))
        request.sets(hb.SubsetInputSets.DROP_TABLE_TAG).update(int.from_bytes(tag.encode()) for tag in _UNNEEDED)
        try:
            return bytes(hb.subset(face, request).blob.data)
        except (RuntimeError, ValueError, hb.HarfBuzzError) as error:
            raise IssuanceError(Reason.LAYOUT_FONT_UNUSABLE, f"the font {self.name} is broken") from error


@cache
def _usual() -> frozenset[str]:
    """Return the characters of ASCII and GBK: nearly all that licences say, and most of the rare ones in names."""
    pairs = (bytes((first, second)) for first in range(0x81, 0xFF) for second in range(0x40, 0xFF))
    plain = bytes(range(0x20, 0x7F)).decode("ascii")
    return frozenset(plain + "".join(pair.decode("gbk", "ignore") for pair in pairs))


def _open(data: bytes) -> hb.Face:
    blob = hb.Blob(data)
    first = hb.Face(blob)
    for index in range(min(first.count, _MAX_FACES)):
        face = hb.Face(blob, index)
        family = face.get_name(hb.OTNameIdPredefined.FONT_FAMILY) or ""
        if set(family.split()) & set(_REGIONS):
            return face
    return first


class FontSet:
    """The fonts a page is set in: one face for each role that layouts name, and faces to fall back on."""

    def __init__(self, faces: Mapping[str, FontFace], fallbacks: Iterable[FontFace] = ()) -> None:
        """Keep the faces by role, e.g. `song`; a character that the role's face lacks is looked for in `fallbacks`."""
        self._faces = dict(faces)
        self._fallbacks = tuple(fallbacks)
        self._found: dict[tuple[str, str], FontFace] = {}

    def face(self, role: str, character: str) -> FontFace:
        """Return the face in which a character is set.

        Raises:
            IssuanceError: LAYOUT_FONT_UNUSABLE, no font was given for the role; LAYOUT_TEXT_UNDRAWABLE, none has it.
        """
        wanted = role, character
        if wanted not in self._found:
            self._found[wanted] = self._find(role, character)
        return self._found[wanted]

    def _find(self, role: str, character: str) -> FontFace:
        first = self._faces.get(role)
        if first is None:
            raise IssuanceError(Reason.LAYOUT_FONT_UNUSABLE, f"no font was given for {role}")
        for face in (first, *self._fallbacks):
            if face.has(character):
                return face
        raise IssuanceError(
            Reason.LAYOUT_TEXT_UNDRAWABLE, f"no font given has the character {character} (U+{ord(character):04X})"
        )
