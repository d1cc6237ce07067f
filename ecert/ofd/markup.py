"""Writing XML in OFD's namespace: everything is escaped, nothing is indented."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from ecert.ofd.drawing import number
from ecert.ofd.xml import NAMESPACE

if TYPE_CHECKING:
    from ecert.ofd.drawing import Box, Colour

_SPECIAL: Final = re.compile(r"""[&<>"\n\r\t]""")
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def tag(name: str, *content: str, **attributes: str) -> str:
    """Return an element of OFD with attributes; `content` is XML already."""
    written = "".join([f" {key}={_quoted(value)}" for key, value in attributes.items()])
    inner = "".join(content)
    return f"<ofd:{name}{written}>{inner}</ofd:{name}>" if inner else f"<ofd:{name}{written}/>"


def _quoted(value: str) -> str:
    """Return an attribute's value in quotes; most are numbers, with nothing to escape."""
    return quoteattr(value) if _SPECIAL.search(value) else f'"{value}"'


def leaf(name: str, text: str, **attributes: str) -> str:
    """Return an element of OFD that holds text."""
    return tag(name, escape(text), **attributes)


def document(name: str, *content: str, **attributes: str) -> bytes:
    """Return a part whose root is an element of OFD."""
    root = tag(name, *content, **{"xmlns:ofd": NAMESPACE}, **attributes)
    return (_DECLARATION + root).encode()


def box_text(box: Box) -> str:
    """Write ST_Box."""
    return " ".join(map(number, box))


def colour_text(colour: Colour) -> str:
    """Write the value of an RGB colour."""
    return " ".join(map(str, colour))
