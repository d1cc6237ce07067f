"""From a file to a table: what it is written in is told from its content, never from its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.tables.delimited import read_delimited
from api.tables.encodings import detect_encoding
from api.tables.ndjson import read_ndjson
from api.tables.rows import Limits, bad_table
from api.tables.workbook import read_workbook
from ecert.errors import Reason

if TYPE_CHECKING:
    from typing import BinaryIO

    from api.tables.rows import Table

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOM: Final = b"\xef\xbb\xbf"
_HEAD: Final = 512
_DEFAULT: Final = Limits()


def open_table(file: BinaryIO, limits: Limits = _DEFAULT) -> Table:
    """Begin to read a table: CSV, XLSX or NDJSON.

    Args:
        file: Open for reading, able to seek; it stays open while the rows are read.
        limits: How large it may be.

    Raises:
        MalformedError: TABLE_FORMAT, TABLE_HEADING, TABLE_UNSAFE, TABLE_DAMAGED or TABLE_TOO_LARGE; the detail says
            what is wrong.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith(_ZIP):
        return read_workbook(file, limits)
    if head.startswith(_OLE):
        raise bad_table(Reason.TABLE_FORMAT, "an old or encrypted workbook: save it as .xlsx without a password")
    text = head.removeprefix(_BOM).lstrip()
    if not text:
        raise bad_table(Reason.TABLE_FORMAT, "the file begins with nothing but blanks, or is empty")
    if text.startswith((b"[", b"<", b"%PDF")):
        raise bad_table(Reason.TABLE_FORMAT, "a JSON list, XML, HTML or PDF is no table; NDJSON has one object a line")
    encoding = detect_encoding(file)
    return (read_ndjson if text.startswith(b"{") else read_delimited)(file, encoding, limits)
