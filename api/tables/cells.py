"""What stands in a cell of a workbook, as text (ECMA-376, part 1, 18.3.1.4 and 18.17.4)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from api.tables.rows import bad_table
from api.tables.strings import text_of
from api.tables.xml_events import local
from ecert.errors import Reason
from ecert.licence.codes import Phrase

if TYPE_CHECKING:
    from api.tables.strings import SharedStrings
    from api.tables.xml_events import Element

_EXACT: Final = 10**15
"""Whole numbers below this are kept exactly; of longer ones the program that wrote the cell has dropped digits."""
_MAX_NUMBER: Final = 64
_EPOCH_1900: Final = datetime(1899, 12, 30)  # noqa: DTZ001  (a calendar day, of no zone)
_EPOCH_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001
_FIRST_SERIAL: Final = 61
"""Before this day, 1 March 1900, the serial numbers count a 29 February 1900 that never was."""
_LAST_SERIAL: Final = 2_958_465
_DAY: Final = 86_400
_ISO: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T00:00(?::00(?:\.0*)?)?Z?)?")

_NO_FORMULA: Final = Phrase(
    "a value, not a formula: copy the column and paste it as values", "值，不能是公式：请复制后选择性粘贴为数值"
)
_NO_ERROR: Final = Phrase("a value, not an error such as #N/A", "值，不能是 #N/A 之类的错误")
_AS_TEXT: Final = Phrase(
    "a number of at most 15 digits, or text: of longer numbers the spreadsheet has dropped the last digits",
    "至多 15 位的数字，更长的须为文本格式：电子表格已丢掉末尾的数字",
)
_A_DAY: Final = Phrase("a calendar day from March 1900 on", "1900 年 3 月以后的日期")


@dataclass(frozen=True, slots=True)
class CellReader:
    """Reads the cells of one workbook.

    Attributes:
        strings: Its shared texts.
        dates: The numbers of the cell formats that show dates.
        from_1904: Whether its days are counted from 1904.
    """

    strings: SharedStrings
    dates: frozenset[str]
    from_1904: bool

    def read(self, cell: Element) -> str | Phrase:
        """Return the text of a cell, or what was expected where it has none that can be relied on.

        Dates are written yyyy-mm-dd. A formula is refused: the value kept beside it may be of another day.

        Raises:
            MalformedError: TABLE_DAMAGED; the cell is none that a workbook may have.
        """
        value = ""
        for child in cell:
            name = local(child)
            if name == "f":
                return _NO_FORMULA
            if name == "is":
                return text_of(child)
            if name == "v":
                value = child.text or ""
        return self._value(cell.get("t", "n"), value, cell.get("s", "0")) if value else ""

    def _value(self, kind: str, value: str, style: str) -> str | Phrase:
        if kind == "s":
            return self.strings[value]
        if kind == "n":
            return self._day(value) if style in self.dates else number_text(value)
        if kind == "d":
            found = _ISO.fullmatch(value)
            return found[1] if found else value
        if kind == "e":
            return _NO_ERROR
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind == "str":
            return value
        raise bad_table(Reason.TABLE_DAMAGED, "a cell of the workbook has a type that does not exist")

    def _day(self, value: str) -> str | Phrase:
        serial = _number(value)
        if not (0 if self.from_1904 else _FIRST_SERIAL) <= serial <= _LAST_SERIAL:
            return _A_DAY
        moment = (_EPOCH_1904 if self.from_1904 else _EPOCH_1900) + timedelta(seconds=round(serial * _DAY))
        return moment.date().isoformat() if serial.is_integer() else moment.isoformat(" ")


def number_text(value: str) -> str | Phrase:
    """Return a number as people write it: whole without a point, others without an exponent."""
    number = _number(value)
    if abs(number) >= _EXACT:
        return _AS_TEXT
    return str(int(number)) if number.is_integer() else format(Decimal(repr(number)), "f")


def _number(value: str) -> float:
    try:
        number = float(value) if len(value) <= _MAX_NUMBER else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise bad_table(Reason.TABLE_DAMAGED, "a cell of the workbook says it is a number and is none")
    return number
