"""A licence as the parts of an OFD file, not yet sealed (GB/T 33190; domain.md 1.3, 1.5 and 2.4).

    OFD.xml                            metadata in the document information; names the list of signatures
    Doc_0/Document.xml                 one page, its template, where annotations of copies will stand
    Doc_0/PublicRes.xml                fonts: subsets, embedded; those of the template apart from the page's own
    Doc_0/DocumentRes.xml              pictures
    Doc_0/Tpls/Tpl_0/Content.xml       what all licences of the type show
    Doc_0/Pages/Page_0/Content.xml     what this one shows; Page_1, ... where a text goes on
    Doc_0/Tags/                        the data index: which object shows which item
    Doc_0/Attachs/                     the full record, sealed, as `licence.cbor`

The same licence and instant give the same parts, byte for byte. The annotations that Document.xml names are not there:
a copy adds them, without altering a part that the licence's own seal protects.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import quoteattr

from ecert.licence.metadata import EXTENSION_PREFIX, METADATA
from ecert.licence.validity import china_day
from ecert.ofd.compose import PORTRAIT, QR, FaceContent, compose, compose_template
from ecert.ofd.content import RECORD_FORMAT, RECORD_NAME
from ecert.ofd.continuation import seal_place
from ecert.ofd.drawing import Page
from ecert.ofd.markup import box_text, document, leaf, tag
from ecert.ofd.objects import Identifiers, ObjectWriter, Resources
from ecert.ofd.package import Package
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from ecert.licence.fields import FieldValue
    from ecert.licence.types import TypeDefinition
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.layout import Layout
    from ecert.ofd.pictures import Picture

SIGNATURES: Final = "Doc_0/Signs/Signatures.xml"
ANNOTATIONS: Final = "Doc_0/Annots/Annotations.xml"
RECORD: Final = "Doc_0/Attachs/licence.cbor"
TEMPLATES: Final = "Doc_0/Tpls/"
"""Parts of the files we write."""
PAGE_ID: Final = "1"
"""Identifier of the first page of the files we write."""

_TEMPLATE_ID: Final = "2"
_TEMPLATES: Final = 64
"""How many written templates are kept."""
_CREATOR: Final = "ecert"
_DOC_ID_BYTES: Final = 16
_PICTURES: Final = ((PORTRAIT, "ZP", "照片"), (QR, "EWM", "二维码"))
"""Pictures in the data index: their names, in files and in Chinese."""
_FORMATS: Final = {"png": "PNG", "jpg": "JPEG"}


@dataclass(frozen=True, slots=True)
class MetadataEntry:
    """One data item as a file carries it.

    Attributes:
        name: In JSON.
        short: In files: the pinyin name, `KZ_` and the short name, or the Chinese name where there is neither.
        zh: In Chinese.
        value: As text.
    """

    name: str
    short: str
    zh: str
    value: str


def metadata_entries(
    definition: TypeDefinition, layout: Layout, values: Mapping[str, FieldValue]
) -> tuple[MetadataEntry, ...]:
    """Return the items of a licence in the order of GB/T 36903, then those of its type."""
    known = [(one.name, one.pinyin or one.zh, one.zh) for one in METADATA if one.name is not None]
    known += [(one.name, EXTENSION_PREFIX + layout.short_names[one.name], one.zh) for one in definition.fields]
    return tuple(MetadataEntry(name, short, zh, str(values[name])) for name, short, zh in known if name in values)


@dataclass(frozen=True, slots=True, repr=False)
class LicenceDocument:
    """What an OFD file is made of.

    Attributes:
        definition: Of the licence's type.
        layout: How it looks.
        face: What it shows.
        record: The full record, sealed, as it was issued.
    """

    definition: TypeDefinition
    layout: Layout
    face: FaceContent
    record: bytes


@dataclass(frozen=True, slots=True)
class WrittenLicence:
    """An OFD file without its seal.

    Attributes:
        package: Its parts.
        pages: Its pages, as they are drawn.
        seal: Where the middle of the seal belongs on the first page, in mm.
        others: Identifiers of further pages, and where the seal belongs on each.
    """

    package: Package
    pages: tuple[Page, ...]
    seal: tuple[float, float]
    others: Mapping[str, tuple[float, float]]


def write_licence(licence: LicenceDocument, fonts: FontSet, at: datetime) -> WrittenLicence:
    """Write a licence.

    Args:
        licence: What to write.
        fonts: What it is set in.
        at: When it is made, aware.

    Raises:
        IssuanceError: a text does not fit or has a character that no font has, or a picture cannot be used.
    """
    return write_pages(licence, compose(licence.layout, licence.face, fonts), fonts, at)


def write_pages(licence: LicenceDocument, pages: tuple[Page, ...], fonts: FontSet, at: datetime) -> WrittenLicence:
    """Write a licence whose pages are composed already, as `write_licence` does."""
    entries = metadata_entries(licence.definition, licence.layout, licence.face.values)
    template = _write_template(licence.layout, licence.face.emblem, fonts)
    parts = _Parts(pages, licence, entries, template, at)
    package = Package.of(parts.write())
    others = dict.fromkeys(parts.page_ids[1:], seal_place(licence.layout))
    return WrittenLicence(package, pages, licence.layout.seal, others)


@dataclass(frozen=True, slots=True)
class _Template:
    """The template as it is written, the same for all licences of a type.

    Attributes:
        content: Of its part.
        resources: What its objects use.
        last: The last identifier it takes.
    """

    content: bytes
    resources: Resources
    last: int


@lru_cache(maxsize=_TEMPLATES)
def _write_template(layout: Layout, emblem: Picture | None, fonts: FontSet) -> _Template:
    page = Page(layout.width, layout.height, compose_template(layout, emblem, fonts), ())
    identifiers = Identifiers(int(_TEMPLATE_ID))
    resources = Resources(identifiers)
    objects = ObjectWriter(page, identifiers, resources).write(page.template)
    content = document("Page", _area(page), _content(objects, identifiers.take()))
    return _Template(content, resources, identifiers.last)


class _Parts:
    """The parts of one file while they are written."""

    def __init__(
        self,
        pages: tuple[Page, ...],
        licence: LicenceDocument,
        entries: tuple[MetadataEntry, ...],
        template: _Template,
        at: datetime,
    ) -> None:
        self._pages = pages
        self._licence = licence
        self._entries = entries
        self._template = template
        self._at = at
        self._identifiers = Identifiers(template.last)
        self._own = Resources(self._identifiers)
        self.page_ids = (PAGE_ID, *(self._identifiers.take() for _ in pages[1:]))

    def write(self) -> dict[str, bytes]:
        writers = [ObjectWriter(page, self._identifiers, self._own) for page in self._pages]
        pages = {
            f"Doc_0/{_page_location(number)}": self._content(number, writer) for number, writer in enumerate(writers)
        }
        attachment = self._identifiers.take()
        return {
            "OFD.xml": self._root(),
            "Doc_0/Document.xml": self._document(),
            **self._resources(),
            f"{TEMPLATES}Tpl_0/Content.xml": self._template.content,
            **pages,
            **dict(self._files()),
            "Doc_0/Tags/CustomTags.xml": document(
                "CustomTags", tag("CustomTag", leaf("FileLoc", "CustomTag.xml"), TypeID="licence")
            ),
            "Doc_0/Tags/CustomTag.xml": self._index([writer.shown for writer in writers]),
            "Doc_0/Attachs/Attachments.xml": self._attachments(attachment),
            RECORD: self._licence.record,
        }

    def _content(self, number: int, writer: ObjectWriter) -> bytes:
        page = self._pages[number]
        objects, layer = writer.write(page.content), self._identifiers.take()
        template = tag("Template", TemplateID=_TEMPLATE_ID, ZOrder="Background")
        use = () if number else (template,)
        return document("Page", _area(page), *use, _content(objects, layer))

    def _root(self) -> bytes:
        values = self._licence.face.values
        information = tag(
            "DocInfo",
            leaf("DocID", sm3(self._licence.record)[:_DOC_ID_BYTES].hex()),
            leaf("Title", self._licence.definition.name),
            leaf("Author", str(values["certificateIssuingAuthorityName"])),
            leaf("CreationDate", china_day(self._at).isoformat()),
            leaf("Creator", _CREATOR),
            tag("CustomDatas", *(leaf("CustomData", one.value, Name=one.short) for one in self._entries)),
        )
        body = tag("DocBody", information, leaf("DocRoot", "Doc_0/Document.xml"), leaf("Signatures", "/" + SIGNATURES))
        return document("OFD", body, Version="1.0", DocType="OFD")

    def _document(self) -> bytes:
        common = tag(
            "CommonData",
            leaf("MaxUnitID", str(self._identifiers.last)),
            tag("PageArea", _physical_box(self._pages[0])),
            leaf("PublicRes", "PublicRes.xml"),
            leaf("DocumentRes", "DocumentRes.xml"),
            tag("TemplatePage", ID=_TEMPLATE_ID, BaseLoc="Tpls/Tpl_0/Content.xml"),
        )
        return document(
            "Document",
            common,
            tag("Pages", *(tag("Page", ID=one, BaseLoc=_page_location(n)) for n, one in enumerate(self.page_ids))),
            leaf("Annotations", ANNOTATIONS.removeprefix("Doc_0/")),
            leaf("CustomTags", "Tags/CustomTags.xml"),
            leaf("Attachments", "Attachs/Attachments.xml"),
        )

    def _resources(self) -> dict[str, bytes]:
        fonts = [
            tag(
                "Font",
                leaf("FontFile", f"font_{identifier}.otf"),
                ID=identifier,
                FontName=f"{face.name}-{identifier}",
                FamilyName=face.family,
            )
            for one in (self._template.resources, self._own)
            for face, identifier in one.fonts.items()
        ]
        pictures = [
            tag(
                "MultiMedia",
                leaf("MediaFile", f"image_{identifier}.{kind}"),
                ID=identifier,
                Type="Image",
                Format=_FORMATS[kind],
            )
            for one in (self._template.resources, self._own)
            for (kind, _), identifier in one.pictures.items()
        ]
        return {
            "Doc_0/PublicRes.xml": document("Res", tag("Fonts", *fonts), BaseLoc="Res"),
            "Doc_0/DocumentRes.xml": document("Res", tag("MultiMedias", *pictures), BaseLoc="Res"),
        }

    def _files(self) -> Iterator[tuple[str, bytes]]:
        for one in (self._template.resources, self._own):
            for face, identifier in one.fonts.items():
                yield f"Doc_0/Res/font_{identifier}.otf", face.subset(one.characters[face])
            for (kind, data), identifier in one.pictures.items():
                yield f"Doc_0/Res/image_{identifier}.{kind}", data

    def _index(self, shown: Sequence[Mapping[str, list[str]]]) -> bytes:
        """Write the data index: for each item the objects of each page that show it."""
        named = [(one.name, one.short, one.zh) for one in self._entries]
        items = "".join(
            f"<{short} name={quoteattr(zh)}>{references}</{short}>"
            for name, short, zh in (*named, *_PICTURES)
            if (references := self._references(name, shown))
        )
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<params>{items}</params>'.encode()

    def _references(self, name: str, shown: Sequence[Mapping[str, list[str]]]) -> str:
        return "".join(
            f'<ObjectRef PageRef="{page}">{identifier}</ObjectRef>'
            for page, objects in zip(self.page_ids, shown, strict=True)
            for identifier in objects.get(name, ())
        )

    def _attachments(self, identifier: str) -> bytes:
        attachment = tag(
            "Attachment",
            leaf("FileLoc", RECORD.rpartition("/")[2]),
            ID=identifier,
            Name=RECORD_NAME,
            Format=RECORD_FORMAT,
            CreationDate=china_day(self._at).isoformat(),
            Size=f"{len(self._licence.record) / 1024:.3f}",
            Visible="false",
        )
        return document("Attachments", attachment)


def _page_location(number: int) -> str:
    return f"Pages/Page_{number}/Content.xml"


def _physical_box(page: Page) -> str:
    return leaf("PhysicalBox", box_text((0.0, 0.0, page.width, page.height)))


def _area(page: Page) -> str:
    return tag("Area", _physical_box(page))


def _content(objects: str, layer: str) -> str:
    return tag("Content", tag("Layer", objects, ID=layer, Type="Body"))
