"""A table received over HTTP: whoever sends it is known before a byte of it is taken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from api.batches.parts import PART, Intake
from ecert.errors import MalformedError, Reason
from ecert.web.content_digest import read_dictionary, verify_digest
from ecert.web.digests import SHA_256, SM3, Digests
from ecert.web.problems import Code, Problem

if TYPE_CHECKING:
    from fastapi import Request

MEDIA_TYPES: Final = (
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/x-ndjson",
    "application/octet-stream",
)
"""What a table may be sent as; what it is is told from its content."""
_DIGEST: Final = "content-digest"


def require_table(request: Request) -> None:
    """Require that a request says it has a table.

    Raises:
        Problem: MEDIA_TYPE_UNSUPPORTED.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise Problem(Code.MEDIA_TYPE_UNSUPPORTED, f"a table is sent as one of {', '.join(MEDIA_TYPES)}")


def claimed(request: Request) -> Digests:
    """Return what a request says of its body: enough to verify its signature before the body comes.

    Raises:
        MalformedError: REQUEST_SIGNATURE_MALFORMED; the field cannot be read.
    """
    members = read_dictionary(request.headers.get(_DIGEST, ""), "Content-Digest") if _DIGEST in request.headers else {}
    values = {}
    for name in (SM3, SHA_256):
        member = members.get(name)
        if isinstance(member, tuple) and isinstance(member[0], bytes):
            values[name] = member[0]
    empty = request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers
    return Digests(0 if empty else 1, values)


async def receive(request: Request, intake: Intake) -> Digests:
    """Take the whole body in, and hold it against what was said of it.

    Raises:
        MalformedError: TABLE_FORMAT, it is empty; TOO_LARGE.
        RejectedError: REQUEST_DIGEST_MISMATCH; it is another than was signed.
    """
    waiting = bytearray()
    async for piece in request.stream():
        waiting += piece
        if len(waiting) >= PART:
            await asyncio.to_thread(intake.take, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(intake.take, bytes(waiting))
    digests = await asyncio.to_thread(intake.finish)
    if _DIGEST in request.headers:
        verify_digest(request.headers[_DIGEST], digests)
    if not digests:
        raise MalformedError(Reason.TABLE_FORMAT, "the table is empty")
    return digests
