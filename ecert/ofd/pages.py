"""The pages of an OFD file as drawings: what our writer writes, and the like of it from other software.

Text with embedded or named fonts, outlines, pictures, templates and annotations are read. A page that uses anything
else (composite objects, patterns, clips) is not drawn at all: a page with something missing would be a forgery.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, IssuanceError, MalformedError, Reason
from ecert.ofd.drawing import Page, PictureObject, TextObject
from ecert.ofd.fonts import FontFace
from ecert.ofd.package import damaged
from ecert.ofd.page_objects import BLACK, moved, read_colour, read_matrix, read_number, read_path, read_runs
from ecert.ofd.signatures import ROOT, read_box, read_description, read_lists
from ecert.ofd.svg import StampPicture
from ecert.ofd.xml import child, child_text, children, descendants, is_named, parse_xml, text
from ecert.seal import Sealing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.ofd.drawing import PageObject
    from ecert.ofd.fonts import FontSet, GlyphShape
    from ecert.ofd.package import Package
    from ecert.ofd.xml import Element

_MAX_PAGES: Final = 200
BLACK_FACES: Final = ("黑", "hei", "sans", "gothic", "courier", "arial")
_KINDS: Final = {b"\x89PNG": "png", b"\xff\xd8": "jpg", b"GIF8": "gif", b"BM": "bmp"}
_UNDRAWN: Final = ("CompositeObject", "Pattern", "AxialShd", "RadialShd", "GouraudShd", "Clips", "Extensions")


@dataclass(frozen=True, slots=True)
class ReadPage:
    """One page of a file: its identifier, what is on it, and the seals set on it."""

    id: str
    page: Page
    stamps: tuple[StampPicture, ...]


class _FileFont:
    """A font of a file: what it has embedded, and for the rest the fonts at hand."""

    def __init__(self, embedded: FontFace | None, role: str, fonts: FontSet) -> None:
        self._embedded = embedded
        self._role = role
        self._fonts = fonts

    def shape(self, character: str) -> GlyphShape:
        return self._face(character).shape(character)

    def advance(self, character: str) -> float:
        return self._face(character).advance(character)

    def _face(self, character: str) -> FontFace:
        if self._embedded is not None and self._embedded.has(character):
            return self._embedded
        return self._fonts.face(self._role, character)


def read_pages(package: Package, fonts: FontSet) -> tuple[ReadPage, ...]:
    """Read every page of the first document of a file, with the seals set on it.

    Args:
        package: The file.
        fonts: Faces `song` and `hei`, for text whose font is not embedded.

    Raises:
        MalformedError: FILE_UNDRAWABLE, it uses what is not drawn here; or it is damaged.
        IssuanceError: a character is in no font.
    """
    return _Reader(package, fonts).pages()


class _Reader:
    def __init__(self, package: Package, fonts: FontSet) -> None:
        self._package = package
        self._given = fonts
        self._fonts: dict[str, _FileFont] = {}
        self._pictures: dict[str, tuple[str, bytes]] = {}
        self._templates: dict[str, str] = {}

    def pages(self) -> tuple[ReadPage, ...]:
        body = next(children(self._parse(ROOT), "DocBody"), None)
        root_part = self._find(child_text(body, "DocRoot") if body is not None else None, ROOT)
        root = self._parse(root_part)
        common = child(root, "CommonData")
        if common is None:
            raise damaged(f"{root_part} has no common data")
        for name in ("PublicRes", "DocumentRes"):
            for element in children(common, name):
                part = self._package.find(text(element), root_part)
                if part is not None:  # what a page uses and is not there, is missed when it is used
                    self._read_resources(part)
        for element in children(common, "TemplatePage"):
            self._templates[element.get("ID", "")] = self._find(element.get("BaseLoc"), root_part)
        listed = [one for pages in children(root, "Pages") for one in children(pages, "Page")]
        if not 0 < len(listed) <= _MAX_PAGES:
            raise damaged(f"{len(listed)} pages")
        area = child(common, "PageArea")
        annotations = self._annotations(root, root_part)
        stamps = self._stamps()
        return tuple(self._page(one, root_part, area, annotations, stamps) for one in listed)

    def _find(self, location: str | None, base: str) -> str:
        part = self._package.find(location, base) if location else None
        if part is None:
            raise MalformedError(Reason.FILE_PART_MISSING, f"{location}, which {base} names, is not in the file")
        return part

    def _parse(self, part: str) -> Element:
        if part not in self._package.parts:
            raise MalformedError(Reason.NOT_OFD, f"the file has no {part}")
        return parse_xml(self._package.parts[part], part)

    def _read_resources(self, part: str) -> None:
        root = self._parse(part)
        folder = (root.get("BaseLoc") or "").strip("/")
        for element in descendants(root, "Font"):
            location = child_text(element, "FontFile")
            name = f"{element.get('FontName', '')} {element.get('FamilyName', '')}".casefold()
            role = "hei" if any(one in name for one in BLACK_FACES) else "song"
            embedded = self._embedded(f"{folder}/{location}", part) if location else None
            self._fonts[element.get("ID", "")] = _FileFont(embedded, role, self._given)
        for element in descendants(root, "MultiMedia"):
            location = child_text(element, "MediaFile")
            if location:
                data = self._package.parts[self._find(f"{folder}/{location}", part)]
                kind = next((kind for mark, kind in _KINDS.items() if data.startswith(mark)), "")
                self._pictures[element.get("ID", "")] = (kind, data)

    def _embedded(self, location: str, part: str) -> FontFace | None:
        """Open an embedded font; one that is not OpenType is replaced, as readers do."""
        try:
            return FontFace(self._package.parts[self._find(location, part)])
        except IssuanceError:
            return None

    def _page(
        self,
        listed: Element,
        base: str,
        area: Element | None,
        annotations: dict[str, list[str]],
        stamps: list[tuple[str, StampPicture]],
    ) -> ReadPage:
        identifier = listed.get("ID", "")
        root = self._parse(self._find(listed.get("BaseLoc"), base))
        own = child(root, "Area")
        place = own if own is not None and child(own, "PhysicalBox") is not None else area
        box = read_box((child_text(place, "PhysicalBox") if place is not None else None) or "0 0 210 297")
        behind: list[PageObject] = []
        front: list[PageObject] = list(self._objects(root))
        for use in children(root, "Template"):
            template = self._templates.get(use.get("TemplateID", ""))
            if template is None:
                raise damaged("a page uses a template that is not there")
            drawn = self._objects(self._parse(template))
            (front if use.get("ZOrder") == "Foreground" else behind).extend(drawn)
        for part in annotations.get(identifier, ()):
            front += self._annotation(self._parse(part))
        mine = tuple(stamp for page, stamp in stamps if page == identifier)
        return ReadPage(identifier, Page(box[2], box[3], tuple(behind), tuple(front)), mine)

    def _annotations(self, root: Element, base: str) -> dict[str, list[str]]:
        location = child_text(root, "Annotations")
        part = self._package.find(location, base) if location else None
        if part is None:
            return {}
        found: dict[str, list[str]] = {}
        for page in children(self._parse(part), "Page"):
            found.setdefault(page.get("PageID", ""), []).append(self._find(child_text(page, "FileLoc"), part))
        return found

    def _annotation(self, root: Element) -> Iterator[PageObject]:
        for annot in children(root, "Annot"):
            appearance = child(annot, "Appearance")
            if appearance is not None and annot.get("Visible", "true") != "false":
                box = read_box(appearance.get("Boundary", "0 0 0 0"))
                yield from self._block(appearance, (box[0], box[1]))

    def _stamps(self) -> list[tuple[str, StampPicture]]:
        """Return the seals of all signatures whose value can be read, each with the page it is set on."""
        found: list[tuple[str, StampPicture]] = []
        for listing in read_lists(self._package).listings:
            try:
                if listing.part is None:
                    continue
                description = read_description(self._package, listing.part)
                picture = Sealing.decode(self._package.parts[description.value]).seal.info.picture
            except EcertError:
                continue
            kind = picture.kind.lower().replace("jpeg", "jpg")
            for stamp in description.stamps:
                drawn = StampPicture(PictureObject(stamp.boundary, kind, picture.data), stamp.clip)
                found.append((stamp.page, drawn))
        return found

    def _objects(self, root: Element) -> Iterator[PageObject]:
        if not is_named(root, "Page"):
            raise damaged("something else stands where a page should")
        if next(descendants(root, *_UNDRAWN), None) is not None:
            raise MalformedError(Reason.FILE_UNDRAWABLE, f"a page uses one of {', '.join(_UNDRAWN)}")
        content = child(root, "Content")
        for layer in children(content, "Layer") if content is not None else ():
            yield from self._block(layer, (0.0, 0.0))

    def _block(self, block: Element, offset: tuple[float, float]) -> Iterator[PageObject]:
        for element in block.iterchildren():
            if element.get("Visible") == "false":
                continue
            if is_named(element, "PageBlock"):
                yield from self._block(element, offset)
            elif is_named(element, "TextObject"):
                yield self._text(element, offset)
            elif is_named(element, "PathObject"):
                yield read_path(element, offset)
            elif is_named(element, "ImageObject"):
                yield self._picture(element, offset)

    def _text(self, element: Element, offset: tuple[float, float]) -> TextObject:
        box = moved(read_box(element.get("Boundary", "")), offset)
        font = self._fonts.get(element.get("Font", ""))
        if font is None:
            raise damaged("a text is set in a font that is not there")
        size = read_number(element.get("Size"), 0.0)
        matrix = read_matrix(element, box)
        origin = (0.0, 0.0) if matrix is not None else (box[0], box[1])
        runs = tuple(run for code in children(element, "TextCode") for run in read_runs(code, font, size, origin))
        return TextObject(box, read_colour(element, "FillColor") or BLACK, runs, matrix=matrix)

    def _picture(self, element: Element, offset: tuple[float, float]) -> PictureObject:
        found = self._pictures.get(element.get("ResourceID", ""))
        if found is None or not found[0]:
            raise MalformedError(Reason.FILE_UNDRAWABLE, "a picture is missing, or neither PNG, JPEG, GIF nor BMP")
        box = moved(read_box(element.get("Boundary", "")), offset)
        matrix = read_matrix(element, box)
        if matrix is not None:
            width, turn, slant, height, x, y = matrix
            if (turn, slant) != (0.0, 0.0) or min(width, height) <= 0:
                raise MalformedError(Reason.FILE_UNDRAWABLE, "a picture is turned")
            box = (x, y, width, height)
        return PictureObject(box, *found)
