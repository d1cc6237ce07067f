"""What a signature leaves unprotected: a valid signature over half a file says nothing about the other half.

A signature must protect every part of the file, shown or not, but

    1. the list of signatures, so that another can be added,
    2. its own description and value, which cannot protect themselves,
    3. the parts of signatures made later, which are those that protect this one's description; not where a reader
       would take them for something else,
    4. annotations that a later signature protects: this is how annotated copies (加注件) are made.

Source: domain.md 2.4, "Coverage attack".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError
from ecert.ofd.package import resolve, unsafe
from ecert.ofd.signatures import ROOT
from ecert.ofd.xml import Element, descendants, is_named, parse_xml, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ecert.ofd.package import Package
    from ecert.ofd.signatures import SignatureDescription, SignatureLists

_MAX_READ: Final = 32 * 1024 * 1024
"""The most XML read to find out what a reader shows, in bytes."""
_ANNOTATIONS: Final = "Annotations"
_BRANCHES: Final = (
    "DocRoot",
    "PublicRes",
    "DocumentRes",
    "PageRes",
    _ANNOTATIONS,
    "Attachments",
    "CustomTags",
    "Extensions",
)
"""Elements whose text locates a part that names further parts."""
_LEAVES: Final = ("MediaFile", "FontFile", "SchemaLoc", "ExtendData", "Cover", "File")
"""Elements whose text locates a part that names no others."""
_BASES: Final = ("Page", "TemplatePage", "Version", "ColorSpace")
"""Elements with a location in an attribute."""


class Coverage:
    """What the signatures of one file leave unprotected."""

    def __init__(self, package: Package, lists: SignatureLists) -> None:
        """Take a file and its lists of signatures."""
        self._package = package
        self._lists = lists

    @cached_property
    def reach(self) -> Reach:
        """What a reader shows of the file; found out once, and only when it is asked for."""
        return Reach.of(self._package)

    def unprotected(self, signature: SignatureDescription, others: Iterable[SignatureDescription]) -> tuple[str, ...]:
        """Return the names of the parts that a signature should protect and does not; those that are shown first.

        Args:
            signature: The one asked about.
            others: The other signatures whose references are good.
        """
        left = set(self._package.parts) - signature.protected - set(self._lists.parts)
        left -= {signature.part, signature.value}
        for later in others:
            if left and signature.part in later.protected:
                left -= later.own_parts - self.reach.shown
                left -= later.protected & self.reach.annotations
        return tuple(sorted(left, key=lambda name: (name not in self.reach.shown, name)))


@dataclass(frozen=True, slots=True)
class Reach:
    """The parts that a reader comes to, starting from OFD.xml; signatures aside.

    Attributes:
        shown: All of them.
        annotations: Those that are reached as annotations and in no other way.
    """

    shown: frozenset[str]
    annotations: frozenset[str]

    @classmethod
    def of(cls, package: Package) -> Reach:
        """Follow the locations in a file.

        Where a part on the way cannot be read, nothing is known to be an annotation, and `shown` ends there.
        """
        links = _Links(package)
        try:
            shown = _follow(links, annotations=True)
            return cls(shown, shown - _follow(links, annotations=False))
        except MalformedError:
            return cls(frozenset(links.known), frozenset())


@dataclass(frozen=True, slots=True)
class _Link:
    """A location in a part: the part it leads to, whether that names further ones, and whether as annotations."""

    part: str
    opens: bool
    annotations: bool


class _Links:
    """The links of each part, read once, and not without end."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._left = _MAX_READ
        self.known: dict[str, tuple[_Link, ...]] = {}

    def of(self, part: str) -> tuple[_Link, ...]:
        if part not in self.known:
            data = self._package.parts[part]
            self._left -= len(data)
            if self._left < 0:
                raise unsafe("the file has more pages than are followed")
            self.known[part] = tuple(self._find(parse_xml(data, part), part))
        return self.known[part]

    def _find(self, root: Element, base: str) -> Iterator[_Link]:
        for location, opens, as_annotations in _locations(root):
            part = self._package.find(location, base)
            if part is not None:
                yield _Link(part, opens, as_annotations)


def _follow(links: _Links, *, annotations: bool) -> frozenset[str]:
    """Return every part that links lead to; `annotations` tells whether those to annotations are followed."""
    seen, opened = {ROOT}, {ROOT}
    waiting = deque([ROOT])
    while waiting:
        for link in links.of(waiting.popleft()):
            if link.annotations and not annotations:
                continue
            seen.add(link.part)
            if link.opens and link.part not in opened:
                opened.add(link.part)
                waiting.append(link.part)
    return frozenset(seen)


def _locations(root: Element) -> Iterator[tuple[str, bool, bool]]:
    """Return the locations in a part, each with whether it leads to further ones, and whether as annotations."""
    folder = (root.get("BaseLoc") or "").strip("/")
    for element in descendants(root, *_BRANCHES):
        if text(element):
            yield text(element), True, is_named(element, _ANNOTATIONS)
    for element in descendants(root, *_LEAVES):
        yield resolve(text(element), folder), False, False
    for element in descendants(root, *_BASES):
        location = element.get("BaseLoc") or element.get("Profile")
        if location:
            yield location, not element.get("Profile"), False
    in_annotations = is_named(root, _ANNOTATIONS)
    for element in descendants(root, "FileLoc"):
        yield text(element), in_annotations, False
