"""How every command line here starts and ends: environment checked, engine chosen, errors as words and exit codes.

Exit codes: 0 done or valid, 1 refused or invalid, 2 wrong usage, 3 cannot tell. Data goes to stdout, words
to stderr.
"""

from __future__ import annotations

import os
import sys
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from ecert.cli.settings import refuse_unknown_variables
from ecert.errors import EcertError, IssuanceError, Reason, UndeterminedError
from ecert.sm2 import use_engine
from ecert.wording import words

if TYPE_CHECKING:
    from collections.abc import Callable

OK, REFUSED, USAGE, CANNOT_TELL = range(4)
INTERRUPTED = 130
_FIRST_YEAR, _LAST_YEAR = 1970, 2500


def start(engine: str | None = None) -> None:
    """Check the environment and choose the engine for private keys.

    Raises:
        EcertError: an `ECERT_` variable is misspelt, or the engine named cannot work.
    """
    warnings.showwarning = lambda message, *_: say(f"! {message}")
    refuse_unknown_variables(os.environ)
    chosen = engine or os.environ.get("ECERT_ENGINE")
    if chosen:
        use_engine(chosen)


def say(text: str) -> None:
    """Print words for a person, on stderr."""
    print(text, file=sys.stderr)  # noqa: T201


def put(text: str) -> None:
    """Print data, on stdout."""
    print(text)  # noqa: T201


def now() -> datetime:
    """Return the time; the only clock the command lines read."""
    return datetime.now(UTC)


def parse_time(text: str) -> datetime:
    """Read an instant in RFC 3339, with its zone.

    Raises:
        EcertError: not one.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise EcertError(Reason.USAGE, f"{text!r} is not a time, e.g. 2026-11-23T10:00:00+08:00") from error
    if instant.tzinfo is None:
        raise EcertError(Reason.USAGE, f"{text!r} has no zone: add Z or +08:00")
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise EcertError(Reason.USAGE, f"{text!r} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return instant.astimezone(UTC)


def exit_code(error: EcertError) -> int:
    """Return the exit code of an error."""
    if error.reason is Reason.USAGE:
        return USAGE
    return CANNOT_TELL if isinstance(error, UndeterminedError) else REFUSED


def explain(error: EcertError) -> str:
    """Return an error in words: code, sentence in both languages, detail, what to do, every field problem."""
    said = words(error.reason)
    lines = [f"{error.reason.value}: {said.zh}。{said.en}."]
    if error.detail:
        lines.append(f"  {error.detail}")
    lines.append(f"  → {said.remedy_zh}。{said.remedy_en}.")
    if isinstance(error, IssuanceError):
        lines += [f"  {problem.pointer}: {problem.expected_zh} / {problem.expected}" for problem in error.problems]
    return "\n".join(lines)


def execute(app: Callable[..., Any], arguments: list[str] | None = None) -> int:
    """Run a typer application and return its exit code; errors of ours become words, never a traceback.

    Args:
        app: The application.
        arguments: Its arguments; None for the process's own.
    """
    try:
        code = app(arguments, standalone_mode=False)
    except EcertError as error:
        say(explain(error))
        return exit_code(error)
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return REFUSED
    except OSError as error:
        say(f"{Reason.USAGE.value}: 无法使用文件或目录。Cannot use {error.filename}: {error.strerror}")
        return USAGE
    except Exception as error:  # noqa: BLE001  (a process edge)
        return _framework(error)
    return code if isinstance(code, int) else OK


def run(app: Callable[..., Any]) -> NoReturn:
    """Run a typer application as this process."""
    sys.exit(execute(app))


def _framework(error: Exception) -> int:
    """Show usage errors of the command framework as it would; anything else is ours to mend."""
    show = getattr(error, "show", None)
    if show is not None:
        show()
        return int(getattr(error, "exit_code", USAGE))
    if type(error).__name__ == "Abort":
        say("aborted")
        return REFUSED
    say(f"internal: {words(Reason.INTERNAL).zh}。{words(Reason.INTERNAL).en}: {type(error).__name__}")
    if os.environ.get("PYTHONDEVMODE"):
        raise error
    return REFUSED
