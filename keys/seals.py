"""Making a department's electronic seal: drawn, signed by the seal maker, and filed (《电子印章管理办法》).

1. Refuse what can be refused from public files: both certificates in force, the code, the drawing.
2. Open the maker's key, and see that it belongs to the maker's certificate.
3. Sign the seal in memory; `ecert.seal` verifies what was signed.
4. Write seal, picture and record, or none. A seal made anew keeps the old one beside it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, EcertError, IssuanceError, NotFoundError, Reason, RejectedError
from ecert.licence.codes import check_region_code
from ecert.seal import SealPicture, SealRequest, make_seal
from ecert.seal.picture import Emblem, SealDesign, SealDrawing, draw_seal
from ecert.seal.raster import seal_png
from ecert.sm2 import sm3
from keys.ceremony import Done
from keys.home import Change, Home
from keys.names import KeyName, Kind
from keys.records import Entry, Records, Standing, rfc3339
from keys.signer import open_key_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ecert.seal import Seal
    from ecert.seal.font import SealFont
    from ecert.sm2 import PrivateKey
    from ecert.x509 import Certificate

LEGAL_NAME: Final = 1
"""Seal type 法定名称章 (domain.md 2.2)."""
OTHER_KIND: Final = 99
"""Seal type 其他, for 专用章 that are not listed."""

_CODE: Final = re.compile(r"[0-9]{14}")
_REASONS: Final = {
    Standing.REVOKED: Reason.CERTIFICATE_REVOKED,
    Standing.EXPIRED: Reason.CERTIFICATE_EXPIRED,
    Standing.NOT_YET_VALID: Reason.CERTIFICATE_NOT_YET_VALID,
}
_KEPT_DIGEST: Final = 16


@dataclass(frozen=True)
class SealOrder:
    """What is asked of the seal maker.

    Attributes:
        maker: USCC of the seal maker.
        department: USCC of the department whose seal it is; its certificate is the one that may seal.
        code: The seal's code: 6-digit region and 8-digit sequence.
        diameter: In mm.
        title: Line under the star, as `业务专用章`; "" for a seal of the legal name.
        emblem: Instead of the star.
        again: Make the seal anew, and keep the old one.
    """

    maker: str
    department: str
    code: str
    diameter: int
    title: str = ""
    emblem: Emblem | None = None
    again: bool = False

    def __post_init__(self) -> None:
        """Check the code.

        Raises:
            IssuanceError: it is not 14 digits that begin with a region.
        """
        if _CODE.fullmatch(self.code) is None or check_region_code(self.code[:6]) is not None:
            raise IssuanceError(
                Reason.SEAL_FIELD_INVALID, f"{self.code!r} is no seal code: a 6-digit region and an 8-digit sequence"
            )


def make(home_path: Path, order: SealOrder, font: SealFont, *, passphrase: Callable[[], bytes], now: datetime) -> Done:
    """Make a seal, in force from now until the department's certificate ends.

    Args:
        home_path: The ceremony directory.
        order: What is asked.
        font: What the seal is lettered in.
        passphrase: Of the maker's key.
        now: The time, aware.

    Raises:
        EcertError: the seal exists (or, to be made anew, does not), a certificate is missing or not in force, the
            drawing cannot be made, or the maker's key cannot be used.
    """
    now = now.astimezone(UTC).replace(microsecond=0)
    home = Home(home_path)
    home.prepare()
    names = _names(order.code)
    if not order.again:
        home.require_free(*names)
    records = Records(home)
    maker = _in_force(records, KeyName.parse(f"{Kind.SEAL_MAKER}-{order.maker}"), now)
    department = _in_force(records, KeyName.parse(f"{Kind.DEPARTMENT}-{order.department}"), now)
    name = department.facts.name if department.facts else ""
    drawing = draw_seal(SealDesign(name, order.diameter, order.code, order.title, order.emblem), font)
    request = _request(order, name, department.certificate, drawing, now)
    seal = make_seal(request, signer=_open(home, maker, passphrase), certificate=maker.certificate)
    files = dict(zip(names, (seal.der, _record(seal, order), drawing.svg(), request.picture.data), strict=True))
    with home.locked():
        return Done(home.apply(_change(home, order, files)))


def _names(code: str) -> tuple[str, str, str, str]:
    """Return the file names of a seal: seal, record, drawing, picture."""
    return f"seal-{code}.esl", f"seal-{code}.json", f"seal-{code}.svg", f"seal-{code}.png"


def _in_force(records: Records, name: KeyName, now: datetime) -> Entry:
    entry = records.entry(name, now)
    if entry.standing is not Standing.IN_FORCE:
        raise RejectedError(_REASONS[entry.standing], f"{name} is {entry.standing}")
    return entry


def _request(order: SealOrder, name: str, certificate: Certificate, drawing: SealDrawing, now: datetime) -> SealRequest:
    return SealRequest(
        code=order.code,
        kind=OTHER_KIND if order.title else LEGAL_NAME,
        name=name + order.title,
        certificates=(certificate.der,),
        created=now,
        not_before=now,
        not_after=certificate.not_after,
        picture=SealPicture("PNG", seal_png(drawing), order.diameter, order.diameter),
    )


def _open(home: Home, maker: Entry, passphrase: Callable[[], bytes]) -> PrivateKey:
    key = open_key_file(home.file(maker.name.key), passphrase)
    if key.public_key != maker.certificate.public_key:
        raise CustodyError(Reason.KEY_MISMATCH, f"{home.file(maker.name.key)} is not the key of {maker.name}")
    return key


def _record(seal: Seal, order: SealOrder) -> bytes:
    """Write what is filed: UTF-8 JSON. The digest tells a seal from one made anew under its code."""
    value = {
        "code": order.code,
        "kind": seal.info.kind,
        "name": seal.info.name,
        "department": order.department,
        "maker": order.maker,
        "created": rfc3339(seal.info.created),
        "notBefore": rfc3339(seal.info.not_before),
        "notAfter": rfc3339(seal.info.not_after),
        "sm3": sm3(seal.der).hex(),
    }
    return json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n"


def _change(home: Home, order: SealOrder, files: dict[str, bytes]) -> Change:
    """Create the files; or, for a seal made anew, replace them and keep the old under the digest of the old seal."""
    if not order.again:
        return Change(create=files)
    seal, _, _, _ = _names(order.code)
    try:
        digest = sm3(home.file(seal).read_bytes()).hex()[:_KEPT_DIGEST]
    except FileNotFoundError as error:
        raise NotFoundError(Reason.KEY_NOT_FOUND, f"there is no {home.file(seal)} to make anew") from error
    except OSError as error:
        raise EcertError(Reason.INTERNAL, f"{home.file(seal)} cannot be read: {error.strerror}") from error
    keep = {name: name.replace(f"seal-{order.code}.", f"seal-{order.code}.{digest}.") for name in files}
    return Change(keep=keep, replace=files)
