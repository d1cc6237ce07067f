"""The encoding of a text: told from its content, then held against every row.

Delimiters, quotes and line ends are the same bytes in UTF-8 and in GB18030, and never part of another character: a text
is split first and decoded row by row. So a row in another encoding than the rest costs that row and no other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from api.tables.rows import Encoding, bad_table, refused
from ecert.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from api.tables.rows import Problems

_BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_SAMPLE: Final = 1024 * 1024
"""How many bytes of lines that are not plain ASCII are looked at, at most."""
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_CHINESE: Final = re.compile("[\u3400-\u9fff]")
_SURELY: Final = 4
"""So many Chinese characters that a row is both in UTF-8 and in GB18030 by chance: one row in many millions."""

UNDECODABLE: Final = refused(
    "text in the encoding of the whole table; this row is in another, or mixes two",
    "与整张表一致的字符编码；此行用了另一种编码或混用了两种",
)


def detect_encoding(file: BinaryIO) -> Encoding:
    """Tell the encoding of a text, and leave `file` at its first character.

    A byte order mark decides; else the rows do that are not plain ASCII: those in UTF-8 against those in GB18030 alone.

    Raises:
        MalformedError: TABLE_FORMAT; UTF-16, or neither encoding.
    """
    file.seek(0)
    head = file.read(len(_BOM))
    if head[:2] in _UTF_16:
        raise bad_table(Reason.TABLE_FORMAT, "the text is UTF-16: save it as CSV UTF-8")
    if head == _BOM:
        return Encoding.UTF_8_BOM
    file.seek(0)
    encoding = _vote(file)
    file.seek(0)
    return encoding


def _vote(file: BinaryIO) -> Encoding:
    utf, gb, none = 0, 0, 0
    for line in _sample(file):
        if decodes(line, Encoding.UTF_8):
            utf += 1
        elif decodes(line, Encoding.GB18030):
            gb += 1
        else:
            none += 1
    if none > utf + gb:
        raise bad_table(Reason.TABLE_FORMAT, "the text is neither UTF-8 nor GB18030")
    return Encoding.GB18030 if gb > utf else Encoding.UTF_8


def _sample(file: BinaryIO) -> Iterator[bytes]:
    """Return lines that are not plain ASCII; of an endless line, its beginning without the character that was cut."""
    left = _SAMPLE
    while left > 0 and (line := file.readline(_SAMPLE)):
        if not line.isascii():
            left -= len(line)
            yield line if line.endswith(b"\n") or len(line) < _SAMPLE else line[: line.rfind(b",") + 1]


def decodes(data: bytes, encoding: Encoding) -> bool:
    """Tell whether bytes are text of an encoding."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def decode_row(data: bytes, encoding: Encoding) -> str | Problems:
    """Decode one row, or say that it is in another encoding.

    Two thirds of UTF-8 text pass for GB18030 and come out as other characters: 示例 as 绀轰緥. So of a row in GB18030,
    the parts that are Chinese in UTF-8 as well are counted: a row where they are many, or all there is, is refused.
    """
    if data.isascii():
        return data.decode("ascii")
    try:
        text = data.decode(Encoding.UTF_8 if encoding is not Encoding.GB18030 else encoding)
    except UnicodeDecodeError:
        return UNDECODABLE
    return UNDECODABLE if encoding is Encoding.GB18030 and _is_utf_8(data) else text


def _is_utf_8(data: bytes) -> bool:
    parts = _HIGH.findall(data)
    chinese = [_chinese(part) for part in parts]
    return sum(chinese) >= _SURELY or all(chinese)


def _chinese(part: bytes) -> int:
    """Return how many characters of a part are Chinese in UTF-8; none where it is not UTF-8, or not Chinese alone."""
    if len(part) % 3:
        return 0
    try:
        text = part.decode("utf-8")
    except UnicodeDecodeError:
        return 0
    return len(text) if all(map(_CHINESE.match, text)) else 0
