"""Options that commands share, how their texts are read, and how their results are printed.

Here, and nowhere else in this package, the clock is read.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ecert.errors import EcertError, Reason
from keys.passphrase import PassphraseSource
from keys.wording import custody

if TYPE_CHECKING:
    from ecert.x509 import CrlReason
    from keys.ceremony import Ceremony, Done

Home = Annotated[
    Path, typer.Option("--home", envvar="ECERT_KEYS_HOME", help="密钥目录 / the ceremony directory", metavar="DIR")
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="口令文件 / file with the passphrase of the key"),
]
IssuerPassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--issuer-passphrase-file", metavar="FILE", help="签发者口令文件 / file with the issuing key's passphrase"
    ),
]
Region = Annotated[str, typer.Option("--region", metavar="440000", help="行政区划代码 / GB/T 2260 code")]
Code = Annotated[str, typer.Option("--code", metavar="USCC", help="统一社会信用代码 / unified social credit code")]
ChineseName = Annotated[str, typer.Option("--name", help="中文名称 / name in Chinese")]
EnglishName = Annotated[str, typer.Option("--name-en", help="英文名称 / name in English")]
KeyNameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="名称 / e.g. status-440000, department-USCC", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]

DEFAULT_HOME: Final = Path("pki")

REVOCATION_REASONS: Final = (
    "key-compromise",
    "ca-compromise",
    "affiliation-changed",
    "superseded",
    "cessation-of-operation",
    "privilege-withdrawn",
    "unspecified",
)


def open_ceremony(home: Path) -> "Ceremony":
    """Open the ceremony in a directory that need not exist yet, by the system clock."""
    from keys.ceremony import Ceremony  # noqa: PLC0415  (`--help` answers without loading it)

    return Ceremony(home, now=lambda: datetime.now(UTC))


def existing_ceremony(home: Path) -> "Ceremony":
    """Open the ceremony in a directory that must exist.

    Raises:
        EcertError: it does not.
    """
    if not home.is_dir():
        raise EcertError(Reason.USAGE, f"there is no directory {home}: give --home DIR or set ECERT_KEYS_HOME")
    return open_ceremony(home)


def passphrase_source(file: Path | None, option: str = "--passphrase-file") -> PassphraseSource:
    """Say where the passphrase of the command's own key comes from."""
    return PassphraseSource(os.environ, "ECERT_PASSPHRASE", option, file)


def issuer_source(file: Path | None, fallback: PassphraseSource) -> PassphraseSource:
    """Say where the issuing key's passphrase comes from: its own option and variables, else `fallback`."""
    return PassphraseSource(os.environ, "ECERT_ISSUER_PASSPHRASE", "--issuer-passphrase-file", file, fallback)


def parse_reason(text: str) -> "CrlReason":
    """Read a revocation reason, e.g. `key-compromise`.

    Raises:
        EcertError: there is no such reason.
    """
    from ecert.x509 import CrlReason  # noqa: PLC0415  (start-up)

    if text not in REVOCATION_REASONS:
        raise EcertError(Reason.USAGE, f"{text!r} is no reason: choose {', '.join(REVOCATION_REASONS)}")
    return CrlReason[text.upper().replace("-", "_")]


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time with its offset, or `now`.

    Raises:
        EcertError: it is something else.
    """
    if text == "now":
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise EcertError(
            Reason.USAGE, f"{text!r} is not an RFC 3339 time with offset: 2026-01-02T15:04:05+08:00, or now"
        )
    return at


def print_json(value: Any) -> None:
    """Print a value to stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def report(home: Path, done: "Done") -> None:
    """Print the files written to stdout, and what to do with new keys to stderr."""
    for path in done.files:
        typer.echo(str(path))
    if done.keys:
        typer.echo(custody((name, home / name.key) for name in done.keys), err=True)
