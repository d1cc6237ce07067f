"""The signatures of an OFD file as they are written: Signatures.xml and each Signature.xml (domain.md 2.4).

Reading accepts every variation seen in use; nothing here says whether a signature is good.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.errors import MalformedError, Reason
from ecert.licence.validity import CHINA
from ecert.ofd.package import MAX_PARTS, Package, damaged, unsafe
from ecert.ofd.xml import child, child_text, children, is_named, parse_xml
from ecert.sm2 import DIGEST_LENGTH

if TYPE_CHECKING:
    from ecert.ofd.xml import Element

ROOT: Final = "OFD.xml"
"""The part where reading begins."""
SM3: Final = "1.2.156.10197.1.401"

_SM3_NAMES: Final = frozenset({SM3, "sm3"})
_MAX_XML: Final = 2 * 1024 * 1024
"""The longest list or description of signatures, in bytes; even one that protects `MAX_PARTS` parts is shorter."""
_MAX_DOCUMENTS: Final = 64
_MAX_SIGNATURES: Final = 64
_MAX_STAMPS: Final = 1024
_TIMES: Final = (
    (re.compile(r"([0-9]{14})(?:\.[0-9]{1,6})?(Z?)"), "%Y%m%d%H%M%S"),
    (re.compile(r"([0-9-]{10}[T ][0-9:]{8})(?:\.[0-9]{1,6})?(Z?)"), "%Y-%m-%d %H:%M:%S"),
)
_BOX: Final = 4


class SignatureType(StrEnum):
    """What a listing says a signature is; `Seal` where it says nothing."""

    SEAL = "Seal"
    SIGN = "Sign"


@dataclass(frozen=True, slots=True)
class Listing:
    """One entry of Signatures.xml.

    Attributes:
        id: As written; "" where there is none.
        type: What it says the signature is.
        location: Where it says Signature.xml is.
        part: The name of that part; None where there is none.
    """

    id: str
    type: SignatureType
    location: str
    part: str | None


@dataclass(frozen=True, slots=True)
class SignatureLists:
    """All Signatures.xml of a file: one for each document in it, and nearly always one.

    Attributes:
        parts: Their names.
        listings: What they list, in order.
    """

    parts: tuple[str, ...]
    listings: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """One protected part: where it is said to be, its name (None where there is none), and its SM3 digest."""

    location: str
    part: str | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a seal is shown (StampAnnot).

    Attributes:
        id: As written.
        page: ID of the page.
        boundary: x, y, width and height in mm.
        clip: The piece of the picture shown, in mm, or None for all of it: a seal across page edges.
    """

    id: str
    page: str
    boundary: tuple[float, float, float, float]
    clip: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True, repr=False)
class SignatureDescription:
    """What one Signature.xml says.

    Attributes:
        part: Its name.
        data: Its bytes, which is what is signed.
        provider: The software that made it, as it calls itself.
        claimed_time: SignatureDateTime, aware; None where it is absent or unreadable. Informational only.
        references: The protected parts.
        stamps: Where the seal is shown.
        seal: The name of the part that holds the seal; None where none is named.
        value: The name of the part that holds the signature value.
        protected: The names of the protected parts.
        own_parts: The parts that only this signature brings: description, value and seal.
    """

    part: str
    data: bytes
    provider: str
    claimed_time: datetime | None
    references: tuple[Reference, ...]
    stamps: tuple[Stamp, ...]
    seal: str | None
    value: str
    protected: frozenset[str]
    own_parts: frozenset[str]


def read_lists(package: Package) -> SignatureLists:
    """Read OFD.xml and every Signatures.xml it names.

    Raises:
        MalformedError: NOT_OFD, or not as they must be.
    """
    if ROOT not in package.parts:
        raise MalformedError(Reason.NOT_OFD, f"the file has no {ROOT}")
    root = parse_xml(package.parts[ROOT], ROOT)
    bodies = list(children(root, "DocBody"))
    if not is_named(root, "OFD") or not bodies:
        raise MalformedError(Reason.NOT_OFD, f"{ROOT} does not describe a document")
    if len(bodies) > _MAX_DOCUMENTS:
        raise unsafe(f"{len(bodies)} documents in one file; at most {_MAX_DOCUMENTS} are read")
    locations = [location for body in bodies if (location := child_text(body, "Signatures")) is not None]
    parts = tuple(dict.fromkeys(_require_part(package, location, ROOT) for location in locations))
    listings = tuple(listing for part in parts for listing in _read_list(package, part))
    if len(listings) > _MAX_SIGNATURES:
        raise unsafe(f"{len(listings)} signatures; at most {_MAX_SIGNATURES} are read")
    return SignatureLists(parts, listings)


def _require_part(package: Package, location: str, base: str) -> str:
    part = package.find(location, base)
    if part is None:
        raise MalformedError(Reason.FILE_PART_MISSING, f"{location}, which {base} names, is not in the file")
    return part


def _read_list(package: Package, part: str) -> list[Listing]:
    root = parse_xml(package.parts[part], part, limit=_MAX_XML)
    if not is_named(root, "Signatures"):
        raise damaged(f"{part} is not a list of signatures")
    found = list(children(root, "Signature"))
    if len(found) > _MAX_SIGNATURES:
        raise unsafe(f"{part} lists {len(found)} signatures; at most {_MAX_SIGNATURES} are read")
    return [_read_listing(package, one, part) for one in found]


def _read_listing(package: Package, element: Element, part: str) -> Listing:
    location = element.get("BaseLoc") or child_text(element, "BaseLoc")
    kind = element.get("Type") or SignatureType.SEAL
    if not location or kind not in set(SignatureType):
        raise damaged(f"{part} lists a signature of another type than Seal or Sign, or without a location")
    return Listing(element.get("ID", ""), SignatureType(kind), location, package.find(location, part))


def read_description(package: Package, part: str) -> SignatureDescription:
    """Read one Signature.xml.

    Raises:
        MalformedError: it is not one, or names parts that are not there.
    """
    data = package.parts[part]
    root = parse_xml(data, part, limit=_MAX_XML)
    info, value = child(root, "SignedInfo"), child_text(root, "SignedValue")
    if not is_named(root, "Signature") or info is None or not value:
        raise damaged(f"{part} is not the description of a signature")
    references = _read_references(package, info, part)
    seal, value_part = _read_seal(package, info, part), _require_part(package, value, part)
    return SignatureDescription(
        part=part,
        data=data,
        provider=_provider(info),
        claimed_time=read_time(child_text(info, "SignatureDateTime") or ""),
        references=references,
        stamps=_read_stamps(info, part),
        seal=seal,
        value=value_part,
        protected=frozenset(one.part for one in references if one.part is not None),
        own_parts=frozenset(one for one in (part, value_part, seal) if one is not None),
    )


def _read_seal(package: Package, info: Element, part: str) -> str | None:
    seal = child(info, "Seal")
    location = None if seal is None else child_text(seal, "BaseLoc")
    return _require_part(package, location, part) if location else None


def _provider(info: Element) -> str:
    provider = child(info, "Provider")
    if provider is None:
        return ""
    return provider.get("ProviderName") or child_text(provider, "ProviderName") or ""


def _read_references(package: Package, info: Element, part: str) -> tuple[Reference, ...]:
    references = child(info, "References")
    if references is None:
        raise damaged(f"{part} protects nothing")
    method = (references.get("CheckMethod") or "MD5").strip()
    if method.casefold() not in _SM3_NAMES:
        raise MalformedError(Reason.FILE_DIGEST_ALGORITHM, f"{part} protects the file by {method[:64]!a}, not by SM3")
    found = list(children(references, "Reference"))
    if not 0 < len(found) <= MAX_PARTS:
        raise damaged(f"{part} protects {len(found)} parts")
    return tuple(_read_reference(package, one, part) for one in found)


def _read_reference(package: Package, element: Element, part: str) -> Reference:
    location = element.get("FileRef") or child_text(element, "FileRef")
    try:
        digest = b64decode("".join((child_text(element, "CheckValue") or "").split()), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if not location or len(digest) != DIGEST_LENGTH:
        raise damaged(f"{part} has a reference without a location, or whose check value is not an SM3 digest")
    return Reference(location, package.find(location, part), digest)


def _read_stamps(info: Element, part: str) -> tuple[Stamp, ...]:
    found = list(children(info, "StampAnnot"))
    if len(found) > _MAX_STAMPS:
        raise unsafe(f"{part} shows its seal {len(found)} times")
    return tuple(
        Stamp(
            id=one.get("ID", ""),
            page=one.get("PageRef", ""),
            boundary=read_box(one.get("Boundary", "")),
            clip=read_box(one.get("Clip", "")) if one.get("Clip") else None,
        )
        for one in found
    )


def read_box(value: str) -> tuple[float, float, float, float]:
    """Read ST_Box: x, y, width and height in mm.

    Raises:
        MalformedError: FILE_DAMAGED; not four numbers.
    """
    try:
        numbers = tuple(float(one) for one in value.split())
    except ValueError:
        numbers = ()
    if len(numbers) != _BOX or not all(abs(one) < 1e6 for one in numbers):  # noqa: PLR2004  (a kilometre)
        raise damaged(f"{value[:64]!a} is not a box of four numbers")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def read_time(value: str) -> datetime | None:
    """Read SignatureDateTime in any spelling in use; without a zone it is taken as China's, as people mean it."""
    value = value.strip()
    try:
        for form, pattern in _TIMES:
            match = form.fullmatch(value)
            if match:
                zone = UTC if match[2] else CHINA
                return datetime.strptime(match[1].replace("T", " "), pattern).replace(tzinfo=zone).astimezone(UTC)
        aware = datetime.fromisoformat(value)
        return aware.astimezone(UTC) if aware.tzinfo else None
    except (ValueError, OverflowError):
        return None
