"""From a licence's data and its type's layout to a page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ecert.errors import IssuanceError, Reason
from ecert.ofd.continuation import MARK, Rest, continue_texts
from ecert.ofd.drawing import Page, PathObject, PictureObject, TextObject
from ecert.ofd.items import PLACEHOLDER, EmblemItem, PathItem, PortraitItem, QrItem, TextItem
from ecert.ofd.pictures import qr_png
from ecert.ofd.text import FLOOR, Align, Style, begin_text, set_text
from ecert.ofd.values import write_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecert.licence.fields import FieldValue
    from ecert.ofd.drawing import PageObject, Run
    from ecert.ofd.fonts import FontSet
    from ecert.ofd.items import Item
    from ecert.ofd.layout import Layout
    from ecert.ofd.pictures import Modules, Picture

PORTRAIT: Final = "portrait"
"""What the data index calls the portrait."""
QR: Final = "qr"
"""What the data index calls the QR code."""

_EXTENSION: Final = "extendInfo."
PICTURE_MARK: Final = "本文件是证照 OFD 文件的图示，原件为 OFD 文件，以原件核验结果为准"
"""What a picture of a licence says."""

_MARK: Final = Style("hei", 2.4, (150, 40, 40), align=Align.CENTER)
_TEMPLATES: Final = 64
"""How many composed templates are kept."""


@dataclass(frozen=True, slots=True, repr=False)
class FaceContent:
    """What a licence's face shows.

    Attributes:
        values: Metadata and type-specific items by their JSON names.
        qr: The modules of its QR code.
        portrait: Of the holder; where there is none, its place stays empty.
        emblem: Supplied by the deployment; where there is none, its place stays empty.
    """

    values: Mapping[str, FieldValue]
    qr: Modules
    portrait: Picture | None = None
    emblem: Picture | None = None


def face_values(fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """Return a record's fields as a face shows them: type-specific ones go by their own names there."""
    return {name.removeprefix(_EXTENSION): value for name, value in fields.items()}


def compose(layout: Layout, content: FaceContent, fonts: FontSet) -> tuple[Page, ...]:
    """Set a licence on its page; texts too long for it go on on further pages, which only such a licence has.

    Raises:
        IssuanceError: a text does not fit, no font has a character, or a picture cannot be used.
    """
    template = compose_template(layout, content.emblem, fonts)
    rests: list[Rest] = []
    own = [_draw(item, content, fonts, rests) for item in layout.items if not _is_static(item)]
    first = Page(layout.width, layout.height, template, tuple(one for one in own if one is not None))
    return first, *continue_texts(layout, dict(content.values), rests, fonts)


def with_code(pages: tuple[Page, ...], code: Modules) -> tuple[Page, ...]:
    """Return pages with another QR code, at the place of the one they were composed with."""
    drawn = qr_png(code)

    def other(one: PageObject) -> PageObject:
        return replace(one, data=drawn) if isinstance(one, PictureObject) and QR in one.items else one

    return tuple(replace(page, content=tuple(map(other, page.content))) for page in pages)


@lru_cache(maxsize=_TEMPLATES)
def compose_template(layout: Layout, emblem: Picture | None, fonts: FontSet) -> tuple[PageObject, ...]:
    """Set what all licences of a type show; the same layout, emblem and fonts give the same objects.

    Raises:
        IssuanceError: a text does not fit, no font has a character, or a picture cannot be used.
    """
    nothing = FaceContent({}, (), emblem=emblem)
    drawn = (_draw(item, nothing, fonts) for item in layout.items if _is_static(item))
    return tuple(one for one in drawn if one is not None)


def marked_as_picture(page: Page, fonts: FontSet) -> Page:
    """Return a page that says below everything else that it is a picture and the OFD file the original."""
    box = (0.0, page.height - _MARK.size - 0.4, page.width, _MARK.size)
    mark = TextObject(box, _MARK.colour, set_text(PICTURE_MARK, _MARK, box, fonts))
    return replace(page, content=(*page.content, mark))


def _is_static(item: Item) -> bool:
    return isinstance(item, PathItem | EmblemItem) or (isinstance(item, TextItem) and not item.names)


def _draw(item: Item, content: FaceContent, fonts: FontSet, rests: list[Rest] | None = None) -> PageObject | None:
    match item:
        case TextItem():
            return _draw_text(item, content.values, fonts, rests)
        case PathItem():
            return PathObject(item.path, item.fill, item.stroke, item.width)
        case QrItem():
            return PictureObject(item.box, "png", qr_png(content.qr), (QR,))
        case PortraitItem():
            picture = content.portrait
            return (
                None
                if picture is None
                else PictureObject(picture.fit(item.box), picture.kind, picture.data, (PORTRAIT,))
            )
        case EmblemItem():
            picture = content.emblem
            return None if picture is None else PictureObject(picture.fit(item.box), picture.kind, picture.data)


def _draw_text(
    item: TextItem, values: Mapping[str, FieldValue], fonts: FontSet, rests: list[Rest] | None
) -> TextObject | None:
    """Set a text; one with a value that this licence does not have is left out.

    A text that ends with its one value is set smaller than its style allows, down to `FLOOR`, and after that
    goes on elsewhere: what is left of it is put into `rests`.
    """
    if not all(name in values for name in item.names):
        return None
    text = PLACEHOLDER.sub(lambda match: write_value(values[match[1]], match[2]), item.text)
    try:
        runs = _set_value(item, text, fonts, rests) if rests is not None and item.may_continue else None
        runs = set_text(text, item.style, item.box, fonts) if runs is None else runs
    except IssuanceError as error:
        what = ", ".join(item.names) or item.text
        raise IssuanceError(error.reason, f"{what}: {error.detail}") from error
    return TextObject(item.box, item.style.colour, runs, item.names)


def _set_value(item: TextItem, text: str, fonts: FontSet, rests: list[Rest]) -> tuple[Run, ...]:
    style = item.style
    smaller = replace(style, smallest=min(1.0, FLOOR / style.size))
    try:
        return set_text(text, smaller, item.box, fonts)
    except IssuanceError as error:
        if error.reason is not Reason.LAYOUT_TEXT_TOO_LONG:
            raise
    runs, left = begin_text(text, style, item.box, fonts, MARK)
    _leave(Rest(item.names[0], left), rests)
    return runs


def _leave(rest: Rest, rests: list[Rest]) -> None:
    """Keep what is left of a text; of one that is shown twice, what is left where less of it was shown."""
    for index, other in enumerate(rests):
        if other.name == rest.name:
            rests[index] = max(other, rest, key=lambda one: len(one.text))
            return
    rests.append(rest)
