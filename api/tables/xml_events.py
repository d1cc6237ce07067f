"""Elements of a long XML part, one after another, with no more of it in memory than one of them.

No document type, no entity, no network, UTF-8 alone. Between two elements that are asked for there may be no more than
a bounded number of bytes, which bounds what the parser holds: a row with a million cells is refused while it is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lxml import etree

from api.tables.rows import bad_table
from ecert.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Element = etree._Element  # noqa: SLF001  (lxml's name for the type of elements)

_DECLARATION: Final = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_OVERLAP: Final = 32


def read_elements(pieces: Iterable[bytes], names: tuple[str, ...], longest: int) -> Iterator[Element]:
    """Return the elements with one of `names`, in whatever namespace, each once its end was read.

    An element is emptied when the next one is asked for.

    Args:
        pieces: The part.
        names: Local names.
        longest: How many bytes there may be from one to the next.

    Raises:
        MalformedError: TABLE_UNSAFE or TABLE_DAMAGED.
    """
    parser = _parser(names)
    since, before = 0, b""
    for piece in pieces:
        if _DECLARATION.search(before + piece):
            raise bad_table(Reason.TABLE_UNSAFE, "the workbook's XML declares a document type or an entity")
        before = piece[-_OVERLAP:]
        since += len(piece)
        for element in _feed(parser, piece):
            yield element
            since = 0
        if since > longest:
            raise bad_table(Reason.TABLE_UNSAFE, f"a row or text of the workbook is longer than {longest} bytes of XML")


def _parser(names: tuple[str, ...]) -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )


def _feed(parser: etree.XMLPullParser, piece: bytes) -> Iterator[Element]:
    try:
        parser.feed(piece)
        for _, element in parser.read_events():
            if not isinstance(element, Element):
                continue
            yield element
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise bad_table(Reason.TABLE_DAMAGED, "the workbook's XML is not well-formed") from error


def local(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]
