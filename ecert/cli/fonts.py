"""The fonts that licences are set in: found in a folder, or where systems and the set-up scripts put Noto CJK."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ecert.cli.files import read_bounded
from ecert.errors import IssuanceError, Reason
from ecert.ofd.fonts import FontFace, FontSet

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDERS: Final = (
    Path("/usr/share/fonts/opentype/noto"),
    Path("/usr/share/fonts/noto-cjk"),
    Path(sys.prefix) / "share" / "fonts",
)
"""Debian and its kin; Fedora, Arch and theirs; the environment that the set-up scripts make."""
MAX_FONT: Final = 64 * 1024 * 1024
"""The largest font file, in bytes."""

_FILES: Final = {
    "song": ("NotoSerif", "Regular"),
    "song-bold": ("NotoSerif", "Bold"),
    "hei": ("NotoSans", "Regular"),
    "hei-bold": ("NotoSans", "Bold"),
}
"""Family and weight by the role that layouts name: 宋体 and 黑体."""
_SPELLINGS: Final = ("{0}CJK-{1}.ttc", "{0}CJKsc-{1}.otf", "{0}SC-{1}.otf", "{0}SC-{1}.ttf")


def load_fonts(folder: Path | None = None, fallbacks: Iterable[Path] = ()) -> FontSet:
    """Read the fonts that the shipped layouts name.

    A character that 宋体 lacks is set in 黑体, and after that in a fallback: a font of rare characters, say.

    Args:
        folder: Where they lie; None for the first of `FOLDERS` that has them.
        fallbacks: Further font files.

    Raises:
        IssuanceError: LAYOUT_FONT_UNUSABLE; they are not there, or are no fonts.
        NotFoundError: LAYOUT_FONT_UNUSABLE; a file cannot be read.
    """
    files = _find(FOLDERS if folder is None else (folder,))
    faces = {role: _read(file) for role, file in files.items()}
    return FontSet(faces, (faces["hei"], *map(_read, fallbacks)))


def find_font(role: str) -> Path:
    """Return the file of the font for a role that layouts name: `song`, `song-bold`, `hei`, `hei-bold`.

    Raises:
        IssuanceError: LAYOUT_FONT_UNUSABLE; the fonts are not there.
    """
    return _find(FOLDERS)[role]


@lru_cache(maxsize=8)
def _read(file: Path) -> FontFace:
    return FontFace(read_bounded(file, MAX_FONT, Reason.LAYOUT_FONT_UNUSABLE))


def _find(folders: tuple[Path, ...]) -> dict[str, Path]:
    for folder in folders:
        found = {role: _spelt(folder, *names) for role, names in _FILES.items()}
        there = {role: file for role, file in found.items() if file is not None}
        if len(there) == len(_FILES):
            return there
    places = ", ".join(map(str, folders))
    raise IssuanceError(
        Reason.LAYOUT_FONT_UNUSABLE,
        f"no Noto Serif and Noto Sans CJK, regular and bold, in {places}: install fonts-noto-cjk, or name their folder",
    )


def _spelt(folder: Path, family: str, weight: str) -> Path | None:
    files = (folder / one.format(family, weight) for one in _SPELLINGS)
    return next((file for file in files if file.is_file()), None)
