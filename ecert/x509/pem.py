"""PEM (RFC 7468): one block, one label."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from ecert.errors import MalformedError

if TYPE_CHECKING:
    from ecert.errors import Reason

_LINE = 64


def decode(pem: bytes | str, labels: tuple[str, ...], *, limit: int, reason: Reason) -> bytes:
    """Return the DER in the one block with one of `labels`; text around the block is explanatory and ignored.

    Raises:
        MalformedError: no such block, more than one, more than `limit` bytes, or not base64.
    """
    # Base64 takes 4/3 of the bytes and its line ends; explanatory text (`openssl x509 -text`) several times that.
    if len(pem) > 8 * limit:
        raise MalformedError(reason, f"longer than a PEM file of {limit} bytes can be")
    text = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
    name = b"|".join(re.escape(label.encode("ascii")) for label in labels)
    pattern = rb"-----BEGIN (" + name + rb")-----\s*?\r?\n([A-Za-z0-9+/=\s]*)-----END \1-----"
    blocks: list[tuple[bytes, bytes]] = re.findall(pattern, text)
    if len(blocks) != 1:
        raise MalformedError(reason, f"{len(blocks)} PEM blocks {' or '.join(labels)} where one was expected")
    try:
        return base64.b64decode(b"".join(blocks[0][1].split()), validate=True)
    except ValueError as error:
        raise MalformedError(reason, "the PEM block is not base64") from error


def encode(der: bytes, label: str) -> bytes:
    """Write one PEM block with lines of 64 characters."""
    text = base64.b64encode(der)
    lines = b"\n".join(text[i : i + _LINE] for i in range(0, len(text), _LINE))
    name = label.encode("ascii")
    return b"-----BEGIN " + name + b"-----\n" + lines + b"\n-----END " + name + b"-----\n"
