"""Sealing and signing an OFD file: every part protected, in the order of domain.md 2.4.

    1. enter the signature in the list, Signatures.xml
    2. put the seal beside it, Seal.esl
    3. say where the seal is shown
    4. write the list, with the highest identifier used
    5. digest every part but the list and this signature's own description and value
    6. write the description, Signature.xml
    7. apply the seal to its digest, or sign it: SignedValue.dat

The list itself stays unprotected, so that another signature can follow; a file whose list is protected takes none.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ecert import cms
from ecert.errors import IssuanceError, Reason
from ecert.ofd.markup import box_text, document, leaf, tag
from ecert.ofd.package import Package
from ecert.ofd.signatures import SM3, SignatureType, read_description, read_lists
from ecert.ofd.writer import PAGE_ID, SIGNATURES, TEMPLATES
from ecert.ofd.xml import child_text, children, parse_xml
from ecert.seal import apply_seal
from ecert.seal.fields import SM2_WITH_SM3
from ecert.sm2 import sm3
from ecert.x509.schema import require_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ecert.ofd.drawing import Box
    from ecert.seal import Seal
    from ecert.sm2 import Signer
    from ecert.x509 import Certificate

Place = tuple[float, float]
"""x and y in mm."""

_FOLDER: Final = SIGNATURES.rpartition("/")[0]
_KEPT: Final = 64
"""How many digests of parts are kept."""
_RECURRING: Final = (".otf", ".esl")
"""How parts end that come again and again, as templates do, and say nothing of a holder: fonts and the seal."""
_PROVIDER: Final = {"ProviderName": "ecert", "Company": "ecert", "Version": "1.0"}


@dataclass(frozen=True, slots=True)
class Sealer:
    """Who seals or signs.

    Attributes:
        signer: The key.
        certificate: Its certificate; the seal must list it.
        time_stamp: Returns a timestamp token for a signature value; None for none. Seals only.
    """

    signer: Signer
    certificate: Certificate
    time_stamp: Callable[[bytes], bytes] | None = None


def seal_file(
    package: Package,
    seal: Seal,
    sealer: Sealer,
    *,
    centre: Place,
    others: Mapping[str, Place] = MappingProxyType({}),
    at: datetime,
) -> Package:
    """Apply a seal to a file, shown on its pages at its own size.

    Args:
        package: The file, which must name its list of signatures already.
        seal: Of version 4.
        sealer: Who seals.
        centre: Of the seal on the first page, in mm.
        others: Identifiers of further pages, and the seal's centre on each.
        at: When, aware.

    Raises:
        IssuanceError: the file takes no more signatures, or the result does not verify.
        RejectedError: the seal is not in its period or does not list the certificate.
        CustodyError: the key failed.
    """
    stamps = {page: _stamp(place, seal) for page, place in {PAGE_ID: centre, **others}.items()}

    def value(data: bytes, part: str) -> bytes:
        return apply_seal(
            seal,
            sm3(data),
            "/" + part,
            signer=sealer.signer,
            certificate=sealer.certificate,
            at=at,
            time_stamp=sealer.time_stamp,
        ).der

    return _Addition(package, SignatureType.SEAL, at).make(value, seal=seal.der, stamps=stamps)


def _stamp(centre: Place, seal: Seal) -> Box:
    picture = seal.info.picture
    return centre[0] - picture.width / 2, centre[1] - picture.height / 2, float(picture.width), float(picture.height)


def sign_file(package: Package, sealer: Sealer, *, at: datetime) -> Package:
    """Sign a file without a seal: GM signed data over the description (GB/T 35275), with signed attributes.

    Raises:
        IssuanceError: the file takes no more signatures, or the result does not verify.
        CustodyError: the key failed.
    """

    def value(data: bytes, _: str) -> bytes:
        return cms.sign(
            data,
            signer=sealer.signer,
            certificate=sealer.certificate,
            carry=False,
            attributes=(cms.signing_time(require_utc(at)),),
        )

    return _Addition(package, SignatureType.SIGN, at).make(value)


class _Addition:
    """One signature while it is added to a file."""

    def __init__(self, package: Package, kind: SignatureType, at: datetime) -> None:
        self._parts = dict(package.parts)
        self._at = at
        self._kind = kind
        listed = self._listed(package)
        self._folder = next(folder for folder in map(f"{_FOLDER}/Sign_{{}}".format, count()) if self._is_free(folder))
        self._description = f"{self._folder}/Signature.xml"
        self._value = f"{self._folder}/SignedValue.dat"
        highest = max((_number(one) for one in self._identifiers(package)), default=0)
        self._highest = highest + 1
        self._id = f"s{self._highest:03}"
        self._entries = listed

    def _is_free(self, folder: str) -> bool:
        return not any(name.casefold().startswith(f"{folder}/".casefold()) for name in self._parts)

    def _listed(self, package: Package) -> list[tuple[str, str, str]]:
        """Return identifier, type and location of the signatures there are."""
        if SIGNATURES not in package.parts:
            return []
        lists = read_lists(package)
        found = []
        for one in lists.listings:
            if one.part is None or SIGNATURES in read_description(package, one.part).protected:
                raise IssuanceError(Reason.COPY_REFUSED, "the file's list of signatures is protected: it takes no more")
            found.append((one.id, one.type.value, "/" + one.part))
        return found

    def _identifiers(self, package: Package) -> list[str]:
        if SIGNATURES not in package.parts:
            return []
        root = parse_xml(package.parts[SIGNATURES], SIGNATURES)
        highest = child_text(root, "MaxSignId") or ""
        return [highest, *(one.get("ID", "") for one in children(root, "Signature"))]

    def make(
        self,
        value: Callable[[bytes, str], bytes],
        *,
        seal: bytes | None = None,
        stamps: Mapping[str, Box] = MappingProxyType({}),
    ) -> Package:
        info = [
            tag("Provider", **_PROVIDER),
            leaf("SignatureMethod", SM2_WITH_SM3),
            leaf("SignatureDateTime", f"{self._at.astimezone(UTC):%Y%m%d%H%M%SZ}"),
        ]
        sealed = [self._shown(page, box) for page, box in stamps.items()]
        if seal is not None:
            self._parts[f"{self._folder}/Seal.esl"] = seal
            sealed.append(tag("Seal", leaf("BaseLoc", f"/{self._folder}/Seal.esl")))
        self._parts[SIGNATURES] = self._list(f"s{self._highest:03}")
        signed_info = tag("SignedInfo", *info, self._references(), *sealed)
        description = document("Signature", signed_info, leaf("SignedValue", "/" + self._value))
        self._parts[self._description] = description
        self._parts[self._value] = value(description, self._description)
        return Package.of(self._parts)

    def _shown(self, page: str, box: Box) -> str:
        """Say where the seal is shown on a page."""
        self._highest += 1
        return tag("StampAnnot", ID=f"s{self._highest:03}", PageRef=page, Boundary=box_text(box))

    def _list(self, highest: str) -> bytes:
        entries = [*self._entries, (self._id, self._kind.value, "/" + self._description)]
        listed = [tag("Signature", ID=one, Type=kind, BaseLoc=location) for one, kind, location in entries]
        return document("Signatures", leaf("MaxSignId", highest), *listed)

    def _references(self) -> str:
        protected = (
            tag("Reference", leaf("CheckValue", _check_value(name, data)), FileRef="/" + name)
            for name, data in self._parts.items()
            if name != SIGNATURES
        )
        return tag("References", *protected, CheckMethod=SM3)


def _check_value(name: str, data: bytes) -> str:
    digest = _kept_digest(data) if name.startswith(TEMPLATES) or name.endswith(_RECURRING) else sm3(data)
    return b64encode(digest).decode()


_kept_digest = lru_cache(maxsize=_KEPT)(sm3)


def _number(identifier: str) -> int:
    digits = identifier.lstrip("s")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else 0  # noqa: PLR2004
