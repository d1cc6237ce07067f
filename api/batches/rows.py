"""What is kept of each row of a batch: the application until it is issued, or what is wrong with it; encrypted."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

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


def batch_name(key: str) -> str:
    """Return what the key of a batch's rows and parts is bound to."""
    return f"batch:{key}"


def seal_application(lock: Lock, row: int, one: Application) -> bytes:
    """Encrypt the application of a row."""
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
    return lock.seal(f"batch_rows.application.{row}", _json(content))


def open_application(lock: Lock, row: int, sealed: bytes) -> Application:
    """Decrypt the application of a row.

    Raises:
        EcertError: it was altered.
    """
    return parse_application(json.loads(lock.open(f"batch_rows.application.{row}", sealed)))


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
