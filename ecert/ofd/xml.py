"""XML from strangers: no document type, no entity, no network; bounded in size, depth and number of elements.

OFD elements stand in one of two namespaces (domain.md 2.4); elements of any other are somebody else's and not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lxml import etree

from ecert.errors import MalformedError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE: Final = "http://www.ofdspec.org/2016"
"""The namespace written."""
MAX_XML: Final = 16 * 1024 * 1024
"""The longest part read as XML, in bytes."""

_NAMESPACES: Final = (NAMESPACE, "http://www.ofdspec.org")
_BYTES_PER_MARK: Final = 40
"""A part has at most one `<` for so many of the bytes allowed, which bounds its elements and so time and memory."""
_ENCODINGS: Final = (b"UTF-8", b"US-ASCII", b"ASCII")
_ENCODING: Final = re.compile(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([^"'>]*)["']""")
_DECLARATION: Final = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)

Element = etree._Element  # noqa: SLF001  (lxml's name for the type of elements)


def parse_xml(data: bytes, name: str, *, limit: int = MAX_XML) -> Element:
    """Read a part.

    Args:
        data: Its bytes, UTF-8.
        name: What it is called, for the error's detail.
        limit: The longest it may be, in bytes.

    Raises:
        MalformedError: FILE_UNSAFE or FILE_DAMAGED; a document type, another encoding, too large, or not XML.
    """
    if len(data) > limit or data.count(b"<") > limit // _BYTES_PER_MARK:
        raise MalformedError(Reason.FILE_UNSAFE, f"{name} is larger than any such part that is read")
    if _DECLARATION.search(data):
        raise MalformedError(Reason.FILE_UNSAFE, f"{name} declares a document type or an entity")
    declared = _ENCODING.match(data)
    if b"\0" in data or (declared is not None and declared[1].upper() not in _ENCODINGS):
        raise MalformedError(Reason.FILE_UNSAFE, f"{name} is not written in UTF-8")
    try:
        return etree.fromstring(data, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedError(Reason.FILE_DAMAGED, f"{name} is not well-formed XML") from error


def _parser() -> etree.XMLParser:
    """Make a parser: one for each part, since lxml's parsers hold a lock and keep what they saw.

    It takes every part for UTF-8: what was searched for document types is then what is parsed.
    """
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def is_named(element: Element, name: str) -> bool:
    """Tell whether an element is OFD's `name`."""
    return any(element.tag == f"{{{namespace}}}{name}" for namespace in _NAMESPACES)


def children(element: Element, name: str) -> Iterator[Element]:
    """Return the child elements of OFD's `name`."""
    return element.iterchildren(*(f"{{{namespace}}}{name}" for namespace in _NAMESPACES))


def descendants(element: Element, *names: str) -> Iterator[Element]:
    """Return all elements below, and the element itself, of OFD's `names`."""
    return element.iter(*(f"{{{namespace}}}{name}" for namespace in _NAMESPACES for name in names))


def child(element: Element, name: str) -> Element | None:
    """Return the one child of OFD's `name`, or None.

    Raises:
        MalformedError: FILE_UNSAFE; there are several, and readers would differ on which counts.
    """
    found = list(children(element, name))
    if len(found) > 1:
        raise MalformedError(Reason.FILE_UNSAFE, f"{name} stands {len(found)} times where it may stand once")
    return found[0] if found else None


def child_text(element: Element, name: str) -> str | None:
    """Return the text of the one child of OFD's `name`, without blanks around it; None where there is none.

    Raises:
        MalformedError: FILE_UNSAFE; there are several.
    """
    found = child(element, name)
    return None if found is None else text(found)


def text(element: Element) -> str:
    """Return an element's own text, without blanks around it."""
    return (element.text or "").strip()
