"""The number on a slip of acceptance (受理凭证号).

    SL 310115 20261125 000017 C    region of the window, day in China, serial of that day, check character

The check character is ISO/IEC 7064 MOD 37,36 over all before it: a number that is read over the telephone or typed is
told from a wrong one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from stdnum.iso7064 import mod_37_36

from ecert.errors import MalformedError, Reason
from ecert.licence.codes import check_region_code

MAX_SERIAL: Final = 999_999
"""The most acceptances of a region's windows in a day."""

_FORM: Final = re.compile(r"SL(?P<region>[0-9]{6})(?P<day>[0-9]{8})(?P<serial>[0-9]{6})(?P<check>[0-9A-Z])")


@dataclass(frozen=True, slots=True)
class AcceptanceNumber:
    """A number.

    Attributes:
        region: Of the window, 6 digits.
        day: The day in China.
        serial: 1 to 999,999, given out by whoever keeps the register of the region.
    """

    region: str
    day: date
    serial: int

    def __post_init__(self) -> None:
        """Refuse a number that cannot be."""
        if check_region_code(self.region) or not 1 <= self.serial <= MAX_SERIAL:
            raise _malformed()

    @property
    def text(self) -> str:
        """The number as it is printed, 23 characters."""
        body = f"SL{self.region}{self.day:%Y%m%d}{self.serial:06}"
        return body + str(mod_37_36.calc_check_digit(body))

    @classmethod
    def parse(cls, text: str) -> AcceptanceNumber:
        """Read a number; letters in upper case, nothing around it.

        Raises:
            MalformedError: DATA_MALFORMED; it is none, or its check character is wrong.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise _malformed()
        try:
            number = cls(match["region"], date.fromisoformat(match["day"]), int(match["serial"]))
        except ValueError:
            raise _malformed() from None
        if number.text != text:
            raise _malformed()
        return number


def _malformed() -> MalformedError:
    return MalformedError(
        Reason.DATA_MALFORMED, "an acceptance number is SL, region, day, six digits and the right check character"
    )
