"""What an OFD licence says to machines: the metadata of its document information, and its attachments.

Nothing here is verified: ask `ecert.ofd.verification` first. Reading is lenient where writers in use are: one spells
CustomDatas `CuslomDatas` (domain.md 1.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason
from ecert.ofd.signatures import ROOT
from ecert.ofd.xml import child_text, children, descendants, parse_xml, text

if TYPE_CHECKING:
    from ecert.ofd.package import Package

RECORD_NAME: Final = "licence"
RECORD_FORMAT: Final = "cbor"
"""Name and format of the attachment that is the full record."""

_ENTRIES: Final = ("CustomData", "CuslomData")
_NAMES: Final = ("Name", "name")
_MAX_ENTRIES: Final = 1024


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """One attachment: its name and format as written, the part that holds it, and its bytes."""

    name: str
    format: str
    part: str
    data: bytes


def read_metadata(package: Package) -> dict[str, str]:
    """Return the items of the first document's information, by their names in files, e.g. `ZZBS`, `KZ_BDCDYH`.

    Raises:
        MalformedError: the file has no root, an item stands there twice, or there are too many.
    """
    if ROOT not in package.parts:
        raise MalformedError(Reason.NOT_OFD, f"the file has no {ROOT}")
    body = next(children(parse_xml(package.parts[ROOT], ROOT), "DocBody"), None)
    found: dict[str, str] = {}
    for entry in descendants(body, *_ENTRIES) if body is not None else ():
        name = next((entry.get(one, "") for one in _NAMES if entry.get(one)), "")
        if name in found or len(found) >= _MAX_ENTRIES:
            raise MalformedError(Reason.FILE_DAMAGED, f"the item {name[:64]!a} stands twice, or there are too many")
        found[name] = text(entry)
    return found


def read_attachments(package: Package) -> tuple[Attachment, ...]:
    """Return the attachments of the first document; those whose part is not there are left out.

    Raises:
        MalformedError: a part on the way is missing or damaged.
    """
    if ROOT not in package.parts:
        raise MalformedError(Reason.NOT_OFD, f"the file has no {ROOT}")
    body = next(children(parse_xml(package.parts[ROOT], ROOT), "DocBody"), None)
    document = _follow(package, child_text(body, "DocRoot") if body is not None else None, ROOT)
    location = child_text(parse_xml(package.parts[document], document), "Attachments")
    if not location:
        return ()
    part = _follow(package, location, document)
    listed = list(children(parse_xml(package.parts[part], part), "Attachment"))[:_MAX_ENTRIES]
    places = ((one, package.find(child_text(one, "FileLoc") or "", part)) for one in listed)
    return tuple(
        Attachment(one.get("Name", ""), one.get("Format", ""), place, package.parts[place])
        for one, place in places
        if place is not None
    )


def read_record(package: Package) -> bytes | None:
    """Return the full record of a licence of ours, sealed as it was issued; None where the file has none.

    Raises:
        MalformedError: a part on the way is missing or damaged, or there are two records.
    """
    found = [one.data for one in read_attachments(package) if (one.name, one.format) == (RECORD_NAME, RECORD_FORMAT)]
    if len(found) > 1:
        raise MalformedError(Reason.FILE_UNSAFE, f"{len(found)} records of a licence, where there may be one")
    return found[0] if found else None


def _follow(package: Package, location: str | None, base: str) -> str:
    part = package.find(location, base) if location else None
    if part is None:
        raise MalformedError(Reason.FILE_PART_MISSING, f"{location}, which {base} names, is not in the file")
    return part
