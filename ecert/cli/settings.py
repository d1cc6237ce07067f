"""The environment variables that the command lines read, and the refusal of any other that looks like one.

A misspelt `ECERT_PASSPHRASE_FLIE` would otherwise be ignored in silence, and its owner would learn of it at the
worst moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

KNOWN_VARIABLES: Final = (
    "ECERT_AGENT",
    "ECERT_BUNDLE",
    "ECERT_ENGINE",
    "ECERT_ISSUER_PASSPHRASE",
    "ECERT_ISSUER_PASSPHRASE_FILE",
    "ECERT_KEYS_HOME",
    "ECERT_LEDGER",
    "ECERT_MATTERS",
    "ECERT_OFFICE",
    "ECERT_PASSPHRASE",
    "ECERT_PASSPHRASE_FILE",
    "ECERT_PORTAL_HOST",
    "ECERT_PUBLISHERS",
    "ECERT_REDIS",
    "ECERT_REGIONS",
    "ECERT_SIGNER",
    "ECERT_VAULT",
    "ECERT_WINDOW",
    "ECERT_WINDOW_TOKEN",
    "ECERT_WINDOW_TOKEN_FILE",
)
"""Every variable that any entry point of the project reads, sorted."""


def refuse_unknown_variables(names: Iterable[str]) -> None:
    """Refuse variables that begin with `ECERT_` and that nothing here reads.

    Raises:
        EcertError: there are such; the message lists them and every known name.
    """
    unknown = sorted(name for name in names if name.startswith("ECERT_") and name not in KNOWN_VARIABLES)
    if unknown:
        raise EcertError(
            Reason.USAGE,
            f"unknown environment variables: {', '.join(unknown)}. Known are: {', '.join(KNOWN_VARIABLES)}",
        )
