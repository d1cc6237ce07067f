"""What a signature leaves unprotected: a valid signature over half a file says nothing about the other half.

A signature must protect every part of the file, shown or not, but

    1. the list of signatures, so that another can be added,
    2. its own description and value, which cannot protect themselves,
    3. the parts of signatures made later, which are those that protect this one's description,
    4. annotations that a later signature protects: this is how annotated copies (加注件) are made.

Source: domain.md 2.4, "Coverage attack".
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ecert.ofd.package import resolve
from ecert.ofd.signatures import ROOT
from ecert.ofd.xml import Element, descendants, is_named, parse_xml, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ecert.ofd.package import Package
    from ecert.ofd.signatures import SignatureDescription, SignatureLists

_BRANCHES: Final = (
    "DocRoot",
    "PublicRes",
    "DocumentRes",
    "PageRes",
    "Annotations",
    "Attachments",
    "CustomTags",
    "Extensions",
)
"""Elements whose text locates a part that names further parts."""
_LEAVES: Final = ("MediaFile", "FontFile", "SchemaLoc", "ExtendData", "Cover", "File")
"""Elements whose text locates a part that names no others."""
_BASES: Final = ("Page", "TemplatePage", "Version", "ColorSpace")
"""Elements with a location in an attribute."""


def unprotected(
    package: Package, lists: SignatureLists, signature: SignatureDescription, others: Iterable[SignatureDescription]
) -> tuple[str, ...]:
    """Return the names of the parts that a signature should protect and does not.

    Args:
        package: The file.
        lists: Its lists of signatures.
        signature: The one asked about.
        others: The other signatures whose references are good.

    Raises:
        MalformedError: a part that names annotations cannot be read.
    """
    left = set(package.parts) - signature.protected - set(lists.parts) - {signature.part, signature.value}
    for later in others:
        if signature.part in later.protected:
            left -= later.own_parts
            if left:
                left -= later.protected & annotation_parts(package)
    return tuple(sorted(left))


def annotation_parts(package: Package) -> frozenset[str]:
    """Return the names of the parts that are reached as annotations and in no other way.

    Raises:
        MalformedError: a part on the way cannot be read.
    """
    return reachable(package) - reachable(package, but="Annotations")


def reachable(package: Package, *, but: str = "") -> frozenset[str]:
    """Return the names of the parts that a reader shows or offers, starting from OFD.xml; signatures aside.

    Args:
        package: The file.
        but: An element that is not followed.

    Raises:
        MalformedError: a part on the way cannot be read.
    """
    seen = {ROOT}
    waiting = deque([ROOT])
    while waiting:
        base = waiting.popleft()
        for location, opens in _links(parse_xml(package.parts[base], base), but):
            part = package.find(location, base)
            if part is None or part in seen:
                continue
            seen.add(part)
            if opens:
                waiting.append(part)
    return frozenset(seen)


def _links(root: Element, but: str) -> Iterator[tuple[str, bool]]:
    """Return the locations in a part, each with whether it leads to a part with further ones."""
    folder = (root.get("BaseLoc") or "").strip("/")
    for element in descendants(root, *(name for name in _BRANCHES if name != but)):
        if text(element):
            yield text(element), True
    for element in descendants(root, *_LEAVES):
        yield resolve(text(element), folder), False
    for element in descendants(root, *_BASES):
        location = element.get("BaseLoc") or element.get("Profile")
        if location:
            yield location, not element.get("Profile")
    in_annotations = is_named(root, "Annotations")
    for element in descendants(root, "FileLoc"):
        yield text(element), in_annotations
