"""What the signing agent and its clients say to each other, over a Unix socket.

    frame     length of what follows (4 bytes, big-endian) ‖ canonical CBOR, at most `MAX_FRAME` bytes
    request   [operation, name, argument, ...]
    reply     [null, value], or [reason, detail]

    operation   arguments                    value
    open        -                            the public key's point, 65 bytes
    sign        key id, [tbs, ...]           [signature in DER, ...], one for each, in their order
    count       -                            [key id, how many more were approved today, {kind: signed today}]
    approve     a sealed approval            how many more signatures of each kind are approved today
    vault       -                            [current version, {version: key}, key of the blind indexes]

A connection carries one request after the other. Whoever answers names its reason by its stable code.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import MalformedError, Reason

if TYPE_CHECKING:
    import socket

MAX_FRAME: Final = 65 * 1024 * 1024
"""The longest frame in bytes: a status snapshot of the largest size, and what goes round it."""
SMALL_FRAME: Final = 4 * 1024 * 1024
"""Frames up to this length in bytes are taken side by side, longer ones one after the other."""
MAX_BATCH: Final = 1024
"""The most signatures asked for in one request."""

_LENGTH: Final = 4
_PIECE: Final = 256 * 1024
_ITEMS: Final = MAX_BATCH + 64


class ClosedError(Exception):
    """The other side has closed the connection between two frames."""


def send(connection: socket.socket, value: cbor.Value, *, until: float) -> None:
    """Send one frame.

    Args:
        connection: Where to.
        value: What.
        until: The deadline on `time.monotonic`.

    Raises:
        MalformedError: TOO_LARGE; nothing was sent.
        OSError: it could not be sent in time.
    """
    content = cbor.encode(value)
    if len(content) > MAX_FRAME:
        raise MalformedError(Reason.TOO_LARGE, f"the agent takes at most {MAX_FRAME} bytes at once")
    connection.settimeout(_left(until))
    connection.sendall(len(content).to_bytes(_LENGTH, "big") + content)


def receive_length(connection: socket.socket, *, until: float) -> int:
    """Receive the length of the next frame.

    Raises:
        ClosedError: there is none: the other side has closed the connection.
        MalformedError: TOO_LARGE; no such frame is taken.
        OSError: it did not come in time, or broke off.
    """
    head = _receive(connection, _LENGTH, until)
    if not head:
        raise ClosedError
    length = int.from_bytes(_whole(head, _LENGTH), "big")
    if not 0 < length <= MAX_FRAME:
        raise MalformedError(Reason.TOO_LARGE, f"a frame has 1 to {MAX_FRAME} bytes, not {length}")
    return length


def receive_content(connection: socket.socket, length: int, *, until: float) -> cbor.Value:
    """Receive what a frame holds.

    Raises:
        MalformedError: AGENT_REQUEST_MALFORMED; not canonical CBOR, or of more items than any request or reply has.
        OSError: it did not come in time, or broke off.
    """
    data = _whole(_receive(connection, length, until), length)
    return cbor.decode(data, limit=MAX_FRAME, reason=Reason.AGENT_REQUEST_MALFORMED, items=_ITEMS)


def _receive(connection: socket.socket, length: int, until: float) -> bytes:
    """Return `length` bytes, or fewer where the other side ends before; memory grows only by what came."""
    data = bytearray()
    while len(data) < length:
        connection.settimeout(_left(until))
        piece = connection.recv(min(length - len(data), _PIECE))
        if not piece:
            break
        data += piece
    return bytes(data)


def _whole(data: bytes, length: int) -> bytes:
    if len(data) < length:
        raise ConnectionError("the connection broke off within a frame")
    return data


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time is left")
    return left
