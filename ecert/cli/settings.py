"""The environment variables that the command lines read; a misspelt one is refused, not ignored."""

from __future__ import annotations

import os
from typing import Final

from ecert.errors import EcertError, Reason

VARIABLES: Final = {
    "ECERT_ENGINE": "auto, openssl or gmssl: the engine for private keys",
    "ECERT_BUNDLE": "the bundle folder a window holds",
    "ECERT_KEYS_HOME": "the ceremony folder of `python -m keys`",
    "ECERT_PASSPHRASE": "passphrase of a private key",
    "ECERT_PASSPHRASE_FILE": "file with the passphrase of a private key",
    "ECERT_ISSUER_PASSPHRASE": "passphrase of the issuing CA's key",
    "ECERT_ISSUER_PASSPHRASE_FILE": "file with the passphrase of the issuing CA's key",
    "ECERT_LEDGER": "the ledger file of `python -m api`",
    "ECERT_SIGNER": "signing key of `python -m api`, e.g. file:pki/department.key.pem",
    "ECERT_PORTAL_HOST": "host name in the link of a licence's code",
}


def check_environment() -> None:
    """Refuse `ECERT_` variables that nothing reads.

    Raises:
        EcertError: one is set; the message lists those that exist.
    """
    unknown = sorted(name for name in os.environ if name.startswith("ECERT_") and name not in VARIABLES)
    if unknown:
        known = ", ".join(VARIABLES)
        raise EcertError(Reason.USAGE, f"unknown environment variable {unknown[0]}; known are: {known}")
