"""The file that makes a window accept matters: whose it is, what it takes, where it keeps its register.

    {"unit": credit code, "name": …, "region": six digits, "matters": folder, "register": file,
     "clerks": [{"id": …, "name": …, "pin": as `python -m verifier clerk` writes it}, …],
     "signer": "agent:/path/to.sock#name" | absent, "bases": file | absent,
     "regions": [{"region": six digits, "service": "https://…"}, …] | absent,
     "caller": "agent:…" where there are regions, "vault": "agent:…" where there are regions}

Paths are relative to the file's own folder. Every file `*.json` of the folder is a matter (docs/matters.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert.cli.files import read_bounded
from ecert.errors import MalformedError, Reason
from ecert.licence.codes import check_credit_code, check_region_code, check_text
from ecert.licence.strict_json import Node, decode_json
from ecert.matter import Matter, Matters
from ecert.matter.definition import MAX_MATTER
from ecert.presentation import LegalBases
from ecert.presentation.legal_basis import MAX_REGISTER
from ecert.presentation.reading import MAX_NAME
from verifier.matters.clerks import Account, Pin
from verifier.regions import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE: Final = 256 * 1024
"""The longest such file in bytes."""
MAX_MATTERS: Final = 5000
"""The most matters of a window."""

_REGION: Final = re.compile(r"[0-9]{6}")
_AGENT: Final = re.compile(r"agent:/[^#]{1,107}#[a-z0-9][a-z0-9.-]{0,63}")
_SERVICE: Final = re.compile(
    r"https://(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
    r"|http://(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?"
)
"""In clear only on this machine: what comes back is about people."""


@dataclass(frozen=True, slots=True)
class OfficeSettings:
    """Whose window it is.

    Attributes:
        unit: Credit code of the relying body (用证单位).
        name: Its name.
        region: Where the window is, 6 digits.
        matters: What it takes.
        register: The file of its register.
        clerks: Who works at it.
        signer: The unit's key, in the keeping of an agent; None: receipts wait until they are signed elsewhere.
        bases: On what the unit may see licences without asking the holder (依职能).
        connections: The regions whose services it asks.
        vault: The key of the case files, in the keeping of an agent; None: none are kept.
    """

    unit: str
    name: str
    region: str
    matters: Matters
    register: Path
    clerks: tuple[Account, ...]
    signer: str | None
    bases: LegalBases
    connections: tuple[Connection, ...]
    vault: str | None


def read_office(file: Path) -> OfficeSettings:
    """Read the file, and every matter that it names.

    Raises:
        NotFoundError: a file is not there.
        MalformedError: MATTER_MALFORMED; one is not what it should be: its name is in the detail.
    """
    try:
        return _read(Node(decode_json(read_bounded(file, MAX_FILE, Reason.USAGE), MAX_FILE)), file.parent)
    except MalformedError as error:
        raise MalformedError(Reason.MATTER_MALFORMED, f"{file}: {error.detail}") from error


def _read(node: Node, folder: Path) -> OfficeSettings:
    connections = tuple(_read_connections(node)) if node.has("regions") else ()
    settings = OfficeSettings(
        unit=node.text("unit"),
        name=node.text("name"),
        region=node.text("region", _REGION),
        matters=_read_matters(folder / node.text("matters")),
        register=folder / node.text("register"),
        clerks=tuple(map(_read_clerk, node.children("clerks"))),
        signer=node.text("signer", _AGENT) if node.has("signer") else None,
        bases=_read_bases(folder / node.text("bases")) if node.has("bases") else LegalBases(()),
        connections=connections,
        vault=node.text("vault", _AGENT) if connections or node.has("vault") else None,
    )
    node.end()
    if check_credit_code(settings.unit) or check_region_code(settings.region):
        raise MalformedError(Reason.MATTER_MALFORMED, "the unit or the region is not a code")
    for what, names in (
        ("clerks", [one.id for one in settings.clerks]),
        ("regions", [one.region for one in connections]),
    ):
        if len(set(names)) != len(names):
            raise MalformedError(Reason.MATTER_MALFORMED, f"/{what}: one stands twice")
    if not settings.clerks:
        raise MalformedError(Reason.MATTER_MALFORMED, "/clerks: nobody works here")
    return settings


def _read_connections(node: Node) -> Iterator[Connection]:
    caller = node.text("caller", _AGENT)
    for one in node.children("regions"):
        connection = Connection(one.text("region", _REGION), one.text("service", _SERVICE), caller)
        one.end()
        if check_region_code(connection.region):
            raise MalformedError(Reason.MATTER_MALFORMED, f"{one.at}/region: not a region code")
        yield connection


def _read_clerk(node: Node) -> Account:
    account = Account(node.text("id"), node.text("name"), Pin.parse(node.text("pin")))
    node.end()
    if check_text(account.id, MAX_NAME):
        raise MalformedError(Reason.MATTER_MALFORMED, f"{node.at}/id: at most {MAX_NAME} characters")
    return account


def _read_bases(file: Path) -> LegalBases:
    return LegalBases.from_json(read_bounded(file, MAX_REGISTER, Reason.USAGE))


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
