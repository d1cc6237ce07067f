"""What is kept of each row of a batch: what is asked for until it is issued, or what is wrong with it; encrypted."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from api.tables.papers import PAPER_SERIAL
from ecert.licence.application import (
    AREA_CODE,
    EFFECTIVE,
    EXPIRING,
    FIELDS,
    HOLDER_CODE,
    HOLDER_CODE_TYPE,
    HOLDER_NAME,
    NUMBER,
    PARENTS,
    PORTRAIT,
    TYPE_CODE,
    Application,
    parse_application,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.at_rest import Lock

MAX_PROBLEMS: Final = 64
"""The most problems kept of one row."""
Explained = tuple[str, str, str, str]
"""The field, what was handed in, masked, and what was expected in Chinese and in English."""


@dataclass(frozen=True, slots=True)
class GoodRow:
    """What a row asks for.

    Attributes:
        application: Of its licence.
        paper_serial: 纸质证照印制号; empty where there is no paper.
    """

    application: Application
    paper_serial: str


def batch_name(key: str) -> str:
    """Return what the key of a batch's rows and parts is bound to."""
    return f"batch:{key}"


def seal_good(lock: Lock, row: int, good: GoodRow) -> bytes:
    """Encrypt what a row asks for."""
    one = good.application
    content: dict[str, Any] = {
        TYPE_CODE: one.type_code,
        NUMBER: one.number,
        HOLDER_NAME: one.holder_name,
        HOLDER_CODE: one.holder_code,
        HOLDER_CODE_TYPE: one.holder_code_type,
        EFFECTIVE: one.effective.isoformat(),
        EXPIRING: None if one.expiring is None else one.expiring.isoformat(),
        AREA_CODE: one.area_code,
        FIELDS: dict(one.fields),
    }
    if one.parents:
        content[PARENTS] = [parent.text for parent in one.parents]
    if one.portrait is not None:
        content[PORTRAIT] = b64encode(one.portrait).decode()
    if good.paper_serial:
        content[PAPER_SERIAL] = good.paper_serial
    return lock.seal(f"batch_rows.application.{row}", _json(content))


def open_good(lock: Lock, row: int, sealed: bytes) -> GoodRow:
    """Decrypt what a row asks for.

    Raises:
        EcertError: it was altered.
    """
    content = json.loads(lock.open(f"batch_rows.application.{row}", sealed))
    paper_serial = content.pop(PAPER_SERIAL, "")
    return GoodRow(parse_application(content), paper_serial)


def seal_errors(lock: Lock, row: int, explained: Sequence[Explained]) -> bytes:
    """Encrypt what is wrong with a row."""
    return lock.seal(f"batch_rows.errors.{row}", _json(explained[:MAX_PROBLEMS]))


def open_errors(lock: Lock, row: int, sealed: bytes) -> list[Explained]:
    """Decrypt what is wrong with a row.

    Raises:
        RejectedError: it was altered.
    """
    return [tuple(one) for one in json.loads(lock.open(f"batch_rows.errors.{row}", sealed))]


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
