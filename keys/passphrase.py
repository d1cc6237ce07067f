"""Where a passphrase comes from: a file, the environment, or a person at a terminal. Never the command line.

Every user of a machine can read the arguments of every process, and a shell writes them to its history.
"""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

MINIMUM_LENGTH: Final = 12
"""The fewest characters of a passphrase for a key that is being made."""

_MAX_LENGTH: Final = 1024
"""The most bytes of a passphrase."""


def require_strong(passphrase: bytes) -> bytes:
    """Return the passphrase of a key that is being made, or refuse it.

    Raises:
        CustodyError: it is not UTF-8, or shorter than `MINIMUM_LENGTH` characters.
    """
    try:
        length = len(passphrase.decode())
    except UnicodeDecodeError as error:
        raise CustodyError(Reason.USAGE, "the passphrase is not UTF-8 text") from error
    if length < MINIMUM_LENGTH:
        raise CustodyError(Reason.USAGE, f"the passphrase of a new key has at least {MINIMUM_LENGTH} characters")
    return passphrase


def read_passphrase_file(path: Path) -> bytes:
    r"""Read the one line of a passphrase file, without its line end (`\n` or `\r\n`).

    The file's mode is not judged: mounted container secrets are readable by all inside their container.

    Raises:
        CustodyError: the file cannot be read, is empty, has several lines, or more than 1024 bytes.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_LENGTH + 3)
    except OSError as error:
        raise CustodyError(
            Reason.PASSPHRASE_MISSING, f"the passphrase file {path} cannot be read: {error.strerror}"
        ) from error
    line = text.removesuffix(b"\n").removesuffix(b"\r")
    if not line:
        raise CustodyError(Reason.PASSPHRASE_MISSING, f"the passphrase file {path} is empty")
    if len(line) > _MAX_LENGTH or b"\n" in line:
        raise CustodyError(Reason.USAGE, f"the passphrase file {path} is not one line of at most {_MAX_LENGTH} bytes")
    return line


@dataclass(frozen=True)
class PassphraseSource:
    """Finds one passphrase: option file, then environment, then fallback source, then a person.

    Attributes:
        environ: The process's environment.
        variable: The environment variable that holds the passphrase; with `_FILE` added, one that names a file.
        option: The command-line option that names a file.
        file: What that option said.
        fallback: Where to look when none of these is given.
    """

    environ: Mapping[str, str]
    variable: str
    option: str
    file: Path | None = None
    fallback: PassphraseSource | None = None

    @cached_property
    def given(self) -> bytes | None:
        """The passphrase that needs no person, or None; read once, since a file may be a pipe.

        An empty variable counts as not set.

        Raises:
            CustodyError: a file named cannot be used, or both variables are set.
        """
        if self.file is not None:
            return read_passphrase_file(self.file)
        value, path = self.environ.get(self.variable), self.environ.get(f"{self.variable}_FILE")
        if value and path:
            raise CustodyError(Reason.USAGE, f"{self.variable} and {self.variable}_FILE are both set: keep one")
        if value:
            return value.encode(errors="surrogateescape")
        if path:
            return read_passphrase_file(Path(path))
        return self.fallback.given if self.fallback else None

    def ask(self, whose: str, *, new: bool = False) -> bytes:
        """Return the passphrase of the key named `whose`, asking at the terminal when it is not given.

        Args:
            whose: The key's name, for the prompt.
            new: The key is being made: ask twice.

        Raises:
            CustodyError: nothing was given and there is no terminal, or the two entries differ.
        """
        if self.given is not None:
            return self.given
        if not sys.stdin.isatty():
            raise CustodyError(
                Reason.PASSPHRASE_MISSING,
                f"no passphrase for {whose}: give {self.option} FILE, set {self.variable} or {self.variable}_FILE, "
                "or run this at a terminal",
            )
        entered = getpass.getpass(f"{whose} 的口令 / passphrase of {whose}: ")
        if not entered:
            raise CustodyError(Reason.PASSPHRASE_MISSING, f"no passphrase for {whose} was entered")
        if new:
            require_strong(entered.encode())
            if getpass.getpass("再输入一次 / once more: ") != entered:
                raise CustodyError(Reason.USAGE, "the two entries differ")
        return entered.encode()
