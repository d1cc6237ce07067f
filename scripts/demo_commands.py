"""Runs the product's command lines as a user would type them, and shows what was typed.

They run inside this process, through the same entry function as the real commands: starting Python eighty
times would take longer than everything the commands do.
"""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.cli import app as api_app
from ecert.cli.entry import execute
from ecert.cli.main import app as ecert_app
from keys.cli import app as keys_app
from verifier.cli import app as verifier_app

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = {"ecert": ecert_app, "keys": keys_app, "api": api_app, "verifier": verifier_app}


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, data and words."""

    code: int
    out: str
    err: str


class FailedError(Exception):
    """A step of the demonstration did not come out as it must."""


def command_line(program: str, arguments: list[str]) -> str:
    """Return the command as it is typed at a shell."""
    start = "ecert" if program == "ecert" else f"python -m {program}"
    return f"{start} {shlex.join(arguments)}"


@contextlib.contextmanager
def _captured() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        yield out, err


def run(program: str, *arguments: object, expect: int = 0, show: bool = True) -> Ran:
    """Run one command.

    Args:
        program: ecert, keys, api or verifier.
        arguments: As on the command line.
        expect: The exit code it must end with.
        show: Whether to print the command first.

    Raises:
        FailedError: it ended with another exit code.
    """
    typed = [str(argument) for argument in arguments]
    if show:
        print(f"\n  $ {command_line(program, typed)}")
    with _captured() as (out, err):
        code = execute(APPS[program], typed)
    if code != expect:
        sys.stderr.write(out.getvalue() + err.getvalue())
        raise FailedError(f"exit code {code} where {expect} was expected: {command_line(program, typed)}")
    return Ran(code, out.getvalue(), err.getvalue())
