"""Annotated copies (加注件): a licence's file stamped with who asked for it, why, and until when (domain.md 1.3, 1.5).

The licence's own seal stays good: not a byte of what it protects is altered. Our licences name a list of annotations
that is not there (`writer`); a copy adds it, with a watermark over the page, and a signature of whoever made the copy,
which protects everything, the licence's seal included. OFD.xml and Document.xml, which that seal protects, stay the
roots: a new root would break it. The four items of GB/T 36903 stand in the watermark's parameters.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from ecert.errors import IssuanceError, MalformedError, Reason
from ecert.licence.codes import check_text, parse_date
from ecert.licence.validity import CHINA, china_day
from ecert.ofd.drawing import PathObject
from ecert.ofd.markup import box_text, document, leaf, tag
from ecert.ofd.objects import write_path
from ecert.ofd.package import Package
from ecert.ofd.sealing import sign_file
from ecert.ofd.signatures import read_box
from ecert.ofd.writer import ANNOTATIONS, SIGNATURES
from ecert.ofd.xml import child, child_text, children, descendants, parse_xml, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.ofd.drawing import Matrix
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.sealing import Sealer

NOTE: Final = "Doc_0/Annots/Page_0/Annotation.xml"
"""The part with the watermark of the first page."""

_FOLDER: Final = ANNOTATIONS.rpartition("/")[0] + "/"
_DOCUMENT: Final = "Doc_0/Document.xml"
_PAGE: Final = "Doc_0/Pages/Page_0/Content.xml"
_MAX_CREATOR: Final = 256
_MAX_CAUSE: Final = 200
_CREATED, _CREATOR, _CAUSE, _EXPIRES = "JZJZZSJ", "JZJZZZ", "JZJZZSY", "JZJYXQJZSJ"
_ROLE: Final = "hei"
_COLOUR: Final = (110, 110, 110)
_OPACITY: Final = 0.28
_TURN: Final = math.radians(-24)
_ROWS: Final = 3
_LARGEST: Final = 6.5
_LEADING: Final = 1.5
_REACH: Final = 0.86
"""How much of the page's width a line of the watermark takes at most."""
_NUMBER: Final = re.compile(r"-?[0-9]+")


@dataclass(frozen=True, slots=True)
class CopyNote:
    """What a copy says.

    Attributes:
        creator: 加注件制作者, who asked for it; at most 256 characters.
        cause: 加注件制作事由, what for; at most 200 characters.
        expires: 加注件有效期截止时间, the last day on which it may be used.
        created: 加注件制作时间, aware.
    """

    creator: str
    cause: str
    expires: date
    created: datetime


def make_copy(package: Package, note: CopyNote, sealer: Sealer, fonts: FontSet) -> Package:
    """Make an annotated copy of a licence's file, signed by whoever makes it.

    Whether the file is a good one, the caller has verified before.

    Raises:
        IssuanceError: COPY_REFUSED, the file is none of ours, or a copy already, or the note is not as it must be; or
            no font has a character.
        CustodyError: the key failed.
    """
    _require_sound(note)
    _require_open(package)
    parts, last = dict(package.parts), _highest_identifier(package)
    listed = []
    for number, (page, size) in enumerate(_pages(package)):
        part = f"{_FOLDER}Page_{number}/Annotation.xml"
        parts[part], last = _write_note(note, size, fonts, last)
        listed.append(tag("Page", leaf("FileLoc", part.removeprefix(_FOLDER)), PageID=page))
    parts[ANNOTATIONS] = document("Annotations", *listed)
    return sign_file(Package.of(parts), sealer, at=note.created)


def read_note(package: Package) -> CopyNote | None:
    """Return what a copy of ours says; None where the file is no copy, whatever else is annotated in it.

    Raises:
        MalformedError: FILE_DAMAGED; it says it unreadably.
    """
    if NOTE not in package.parts:
        return None
    values = {one.get("Name", ""): text(one) for one in descendants(parse_xml(package.parts[NOTE], NOTE), "Parameter")}
    if values.keys().isdisjoint((_CREATED, _CREATOR, _CAUSE, _EXPIRES)):
        return None
    try:
        return CopyNote(
            values[_CREATOR], values[_CAUSE], parse_date(values[_EXPIRES]), datetime.fromisoformat(values[_CREATED])
        )
    except (KeyError, ValueError, MalformedError) as error:
        raise MalformedError(Reason.FILE_DAMAGED, f"{NOTE} does not say who, why and until when") from error


def _refuse(what: str) -> IssuanceError:
    return IssuanceError(Reason.COPY_REFUSED, what)


def _require_sound(note: CopyNote) -> None:
    for what, value, longest in (("who asks", note.creator, _MAX_CREATOR), ("the cause", note.cause, _MAX_CAUSE)):
        expected = check_text(value, longest)
        if expected:
            raise _refuse(f"{what}: expected {expected.en}")
    if note.expires < china_day(note.created):
        raise _refuse("the copy would have expired before it is made")


def _require_open(package: Package) -> None:
    if ANNOTATIONS in package.parts or NOTE in package.parts:
        raise _refuse("the file is an annotated copy already: make another of the licence itself")
    if not {_DOCUMENT, _PAGE, SIGNATURES} <= package.parts.keys():
        raise _refuse("the file is not a licence's as they are written here")
    root = parse_xml(package.parts[_DOCUMENT], _DOCUMENT)
    if package.find("/" + ANNOTATIONS) or child_text(root, "Annotations") != ANNOTATIONS.removeprefix("Doc_0/"):
        raise _refuse("the file has no place for annotations")


def _highest_identifier(package: Package) -> int:
    common = child(parse_xml(package.parts[_DOCUMENT], _DOCUMENT), "CommonData")
    value = (child_text(common, "MaxUnitID") if common is not None else None) or ""
    if not value.isascii() or not value.isdigit():
        raise _refuse("the file does not say its highest identifier")
    return int(value)


def _pages(package: Package) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield the identifier and size of each page."""
    root = parse_xml(package.parts[_DOCUMENT], _DOCUMENT)
    for page in (one for pages in children(root, "Pages") for one in children(pages, "Page")):
        part = package.find(page.get("BaseLoc", ""), _DOCUMENT)
        if part is None:
            raise _refuse("a page of the file is missing")
        area = child(parse_xml(package.parts[part], part), "Area")
        box = read_box((child_text(area, "PhysicalBox") if area is not None else None) or "")
        yield page.get("ID", ""), (box[2], box[3])


def _write_note(note: CopyNote, size: tuple[float, float], fonts: FontSet, last: int) -> tuple[bytes, int]:
    """Write the watermark of a page; return it, and the highest identifier in it."""
    values = {
        _CREATOR: note.creator,
        _CAUSE: note.cause,
        _EXPIRES: note.expires.isoformat(),
        _CREATED: note.created.astimezone(CHINA).isoformat(timespec="seconds"),
    }
    parameters = tag("Parameters", *(leaf("Parameter", value, Name=name) for name, value in values.items()))
    whole = box_text((0.0, 0.0, *size))
    lines = (f"加注件 仅供{note.creator}使用", f"用途：{note.cause} 有效期至{note.expires.isoformat()}")
    outlines = list(_watermark(lines, size, fonts))
    drawn = (write_path(one, whole, str(last + index)) for index, one in enumerate(outlines, start=2))
    annotation = tag(
        "Annot",
        parameters,
        tag("Appearance", *drawn, Boundary=whole),
        ID=str(last + 1),
        Type="Watermark",
        Creator=note.creator,
        LastModDate=china_day(note.created).isoformat(),
        Subtype="Copy",
    )
    return document("PageAnnot", annotation), last + 1 + len(outlines)


def _watermark(lines: tuple[str, ...], size: tuple[float, float], fonts: FontSet) -> Iterator[PathObject]:
    """Yield the lines, aslant, in rows down the page."""
    width, height = size
    outlines = [_outline(line, fonts) for line in lines]
    longest = max(length for _, length in outlines)
    em = min(_LARGEST, width * _REACH / math.cos(_TURN) / longest)
    for row in range(_ROWS):
        middle = height * (row + 0.5) / _ROWS
        for index, (path, length) in enumerate(outlines):
            across, down = -length * em / 2, (index - (len(outlines) - 1) / 2) * _LEADING * em
            matrix = _place(em, across, down, (width / 2, middle))
            yield PathObject(path, fill=_COLOUR, opacity=_OPACITY, matrix=matrix)


def _place(em: float, across: float, down: float, centre: tuple[float, float]) -> Matrix:
    """Return the matrix from thousandths of an em to the page: turned about a centre."""
    cos, sin = math.cos(_TURN), math.sin(_TURN)
    scale = em / 1000
    x, y = centre[0] + across * cos - down * sin, centre[1] + across * sin + down * cos
    return scale * cos, scale * sin, -scale * sin, scale * cos, x, y


def _outline(line: str, fonts: FontSet) -> tuple[str, float]:
    """Return a line of text as one outline in thousandths of an em, and its length in em."""
    parts: list[str] = []
    at = 0.0
    for character in line:
        shape = fonts.face(_ROLE, character).shape(character)
        parts.append(_shifted(shape.path, round(at * 1000)))
        at += shape.advance
    return "".join(parts), at


def _shifted(path: str, by: int) -> str:
    """Move an outline to the right: every other of its numbers is an x."""
    count = -1

    def move(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return match[0] if count % 2 else str(int(match[0]) + by)

    return _NUMBER.sub(move, path)
