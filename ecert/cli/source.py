"""What a person hands to `ecert verify`: a path, a QR code's text, or `-` for standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from ecert.cli.files import read_bounded
from ecert.cli.pixels import SIGNATURES, read_picture
from ecert.errors import MalformedError, NotFoundError, Reason
from ecert.ofd.entries import MAX_FILE

_MAX_PATH: Final = 4096
_PDF: Final = b"%PDF-"


def load_source(argument: str) -> bytes | str:
    """Return the sealed bytes, or a QR code's text.

    Raises:
        NotFoundError: `argument` is neither an existing file nor looks like a licence link.
        MalformedError: the file is a picture without a readable QR code, or too large.
    """
    if argument == "-":
        return _interpret(sys.stdin.buffer.read(MAX_FILE + 1))
    if "://" in argument[:16]:
        return argument
    if len(argument) > _MAX_PATH or "\0" in argument or not Path(argument).exists():
        raise NotFoundError(Reason.USAGE, "no such file, and not the text of a licence code (HTTPS://…/#…)")
    return _interpret(read_bounded(Path(argument), MAX_FILE, Reason.USAGE))


def _interpret(data: bytes) -> bytes | str:
    if len(data) > MAX_FILE:
        raise MalformedError(Reason.TOO_LARGE, f"at most {MAX_FILE} bytes are read")
    if data.startswith(_PDF):
        raise MalformedError(
            Reason.IMAGE_UNREADABLE, "a PDF is a picture of the licence: verify its OFD file, or a picture of its code"
        )
    if data.startswith(SIGNATURES):
        return read_picture(data)
    if data.lstrip()[:8].upper() == b"HTTPS://":
        return data.decode("utf-8", "replace")
    return data
