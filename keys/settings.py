"""The environment variables this project reads, and the refusal of any other that looks like one of them.

A misspelt `ECERT_PASSPHRASE_FLIE` would otherwise be ignored in silence, and its owner would learn of it at
the worst moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecert.errors import EcertError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX: Final = "ECERT_"

ENGINE: Final = "ECERT_ENGINE"
HOME: Final = "ECERT_KEYS_HOME"
PASSPHRASE: Final = "ECERT_PASSPHRASE"  # noqa: S105  (the variable's name)
ISSUER_PASSPHRASE: Final = "ECERT_ISSUER_PASSPHRASE"  # noqa: S105  (the variable's name)

KNOWN_VARIABLES: Final = (
    "ECERT_BUNDLE",
    ENGINE,
    ISSUER_PASSPHRASE,
    f"{ISSUER_PASSPHRASE}_FILE",
    HOME,
    "ECERT_LEDGER",
    PASSPHRASE,
    f"{PASSPHRASE}_FILE",
    "ECERT_PORTAL_HOST",
    "ECERT_SIGNER",
    "ECERT_STATUS_SIGNER",
)
"""Every variable any entry point of the project reads, sorted."""


def refuse_unknown_variables(names: Iterable[str]) -> None:
    """Refuse variables that begin with `ECERT_` and that nothing here reads.

    Raises:
        EcertError: there are such; the message lists them and every known name.
    """
    unknown = sorted(name for name in names if name.startswith(PREFIX) and name not in KNOWN_VARIABLES)
    if unknown:
        raise EcertError(
            Reason.USAGE,
            f"unknown environment variables: {', '.join(unknown)}. Known are: {', '.join(KNOWN_VARIABLES)}",
        )
