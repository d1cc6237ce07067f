"""Every way to damage a DER structure, element by element: what a hostile or broken file may look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecert import der
from ecert import der_encoding as enc

if TYPE_CHECKING:
    from collections.abc import Iterator

TAGS = (0x02, 0x03, 0x04, 0x0C, 0x24, 0x30, 0x80, 0xA0, 0x1F)
LENGTHS = (
    b"\x80",
    b"\x84\xff\xff\xff\xff",
    b"\x85\x01\x00\x00\x00\x00",
    b"\xff",
    b"\x81\x01",
    b"\x82\x00\x01",
    b"\x7f",
)
DEEP = {
    "definite": b"\x05\x00",
    "indefinite": b"\x30\x80" * 2_000,
}
for _ in range(200):
    DEEP["definite"] = enc.sequence(DEEP["definite"])
STRANGE = (b"", b"\x00", b"\xff" * 9, b"\x00" * 70, bytes(range(256)), b"\x80" * 80, DEEP["definite"])


@dataclass(frozen=True)
class Node:
    """One element: its tag, what is before a wrapped structure (the unused bits of a BIT STRING), and its content."""

    tag: int
    prefix: bytes
    content: bytes
    children: tuple[Node, ...] | None

    @property
    def body(self) -> bytes:
        return self.content if self.children is None else b"".join(one.encoded for one in self.children)

    @property
    def encoded(self) -> bytes:
        return enc.element(self.tag, self.prefix, self.body)


def parse(data: bytes) -> Node:
    """Read an element and all inside it, through OCTET and BIT STRINGs that hold DER."""
    return _node(der.read_one(data))


def _node(element: der.Element) -> Node:
    if element.tag & 0x20:
        return Node(element.tag, b"", b"", tuple(_node(one) for one in element.children().rest()))
    prefix = b"\x00" if element.tag == der.BIT_STRING else b""
    if element.tag in (der.BIT_STRING, der.OCTET_STRING):
        inside = element.content.removeprefix(prefix)
        try:
            if inside[:1] == b"\x30":
                der.check(inside, limit=len(inside))
                return Node(element.tag, prefix, b"", (parse(inside),))
        except der.DerError:
            pass
    return Node(element.tag, b"", element.content, None)


def damaged(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (what was done, the result) for every damage; the original itself is never among them."""
    for what, result in _all(data):
        if result != data:
            yield what, result


def _all(data: bytes) -> Iterator[tuple[str, bytes]]:
    tree = parse(data)
    for at in sorted(_boundaries(der.read_one(data))):
        yield f"cut at {at}", data[:at]
    yield "bytes follow", data + b"\x00"
    yield from _rewritten(tree, "")


def _boundaries(element: der.Element) -> set[int]:
    found = {element.start, element.start + 1, element.body, element.end - 1}
    if element.tag & 0x20:
        for one in element.children().rest():
            found |= _boundaries(one)
    return {at for at in found if at < len(element.data)}


def _rewritten(node: Node, path: str) -> Iterator[tuple[str, bytes]]:
    """Damage this element, or one below it; lengths of all that holds it are put right."""
    body = node.prefix + node.body
    for tag in TAGS:
        yield f"{path} tag {tag:02x}", enc.element(tag, body)
    for length in LENGTHS:
        yield f"{path} length {length.hex()}", bytes((node.tag,)) + length + body
    for number, content in enumerate(STRANGE):
        yield f"{path} content {number}", enc.element(node.tag, content)
    yield f"{path} deep", DEEP["indefinite"]
    children = node.children
    if children is None:
        return
    for index, child in enumerate(children):
        before, after = children[:index], children[index + 1 :]
        place = f"{path}/{index}"
        yield f"{place} gone", _with(node, (*before, *after))
        yield f"{place} twice", _with(node, (*before, child, child, *after))
        if after:
            yield f"{place} swapped", _with(node, (*before, after[0], child, *after[1:]))
        for what, result in _rewritten(child, place):
            inside = b"".join(one.encoded for one in before) + result + b"".join(one.encoded for one in after)
            yield what, enc.element(node.tag, node.prefix, inside)


def _with(node: Node, children: tuple[Node, ...]) -> bytes:
    return enc.element(node.tag, node.prefix, *(one.encoded for one in children))
