"""The file that makes a window accept matters: whose it is, what it takes, where it keeps its register.

    {"unit": credit code, "name": …, "region": six digits, "matters": folder, "register": file,
     "signer": "agent:/path/to.sock#name" | absent}

Paths are relative to the file's own folder. Every file `*.json` of the folder is a matter (docs/matters.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.cli.files import read_bounded
from ecert.errors import MalformedError, Reason
from ecert.licence.codes import check_credit_code, check_region_code
from ecert.licence.strict_json import Node, decode_json
from ecert.matter import Matter, Matters
from ecert.matter.definition import MAX_MATTER

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE: Final = 64 * 1024
"""The longest such file in bytes."""
MAX_MATTERS: Final = 5000
"""The most matters of a window."""

_REGION: Final = re.compile(r"[0-9]{6}")
_SIGNER: Final = re.compile(r"agent:/[^#]{1,107}#[a-z0-9][a-z0-9.-]{0,63}")


@dataclass(frozen=True, slots=True)
class OfficeSettings:
    """Whose window it is.

    Attributes:
        unit: Credit code of the relying body (用证单位).
        name: Its name.
        region: Where the window is, 6 digits.
        matters: What it takes.
        register: The file of its register.
        signer: The unit's key, in the keeping of an agent; None: receipts wait until they are signed elsewhere.
    """

    unit: str
    name: str
    region: str
    matters: Matters
    register: Path
    signer: str | None


def read_office(file: Path) -> OfficeSettings:
    """Read the file, and every matter that it names.

    Raises:
        NotFoundError: a file is not there.
        MalformedError: MATTER_MALFORMED; one is not what it should be: its name is in the detail.
    """
    try:
        node = Node(decode_json(read_bounded(file, MAX_FILE, Reason.USAGE), MAX_FILE))
        unit, name, region = node.text("unit"), node.text("name"), node.text("region", _REGION)
        folder, register = file.parent / node.text("matters"), file.parent / node.text("register")
        signer = node.text("signer", _SIGNER) if node.has("signer") else None
        node.end()
    except MalformedError as error:
        raise MalformedError(Reason.MATTER_MALFORMED, f"{file}: {error.detail}") from error
    if check_credit_code(unit) or check_region_code(region):
        raise MalformedError(Reason.MATTER_MALFORMED, f"{file}: the unit or the region is not a code")
    return OfficeSettings(unit, name, region, _read_matters(folder), register, signer)


def _read_matters(folder: Path) -> Matters:
    files = sorted(folder.glob("*.json"))
    if not 1 <= len(files) <= MAX_MATTERS:
        raise MalformedError(Reason.MATTER_MALFORMED, f"{folder} has no matters, or more than {MAX_MATTERS}")
    return Matters(map(_read_matter, files))


def _read_matter(file: Path) -> Matter:
    try:
        return Matter.from_json(read_bounded(file, MAX_MATTER, Reason.MATTER_UNKNOWN))
    except MalformedError as error:
        raise MalformedError(Reason.MATTER_MALFORMED, f"{file}: {error.detail}") from error
