"""Verdicts as bytes on the wire: what every route answers by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw
from msgspec.json import encode

from ecert.report import verdict_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecert.errors import MalformedError
    from verifier.desk import Desk, Question


async def answer(desk: Desk, question: Question) -> bytes:
    """Return the verdict on one licence, in JSON."""
    return encode(verdict_json(await desk.answer(question)))


async def answer_many(desk: Desk, licences: Sequence[bytes | str | MalformedError], matter: str | None) -> bytes:
    """Return the verdicts on many licences in JSON: `{"verdicts": […]}`, in order."""
    return encode({"verdicts": [Raw(encode(verdict_json(one))) async for one in desk.answer_many(licences, matter)]})
