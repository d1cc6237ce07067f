"""From the name of a key to something that signs with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ecert.errors import CustodyError, EcertError, MalformedError, Reason
from ecert.sm2 import PrivateKey, Signer
from ecert.web.agent_client import SCHEME, open_agent_signer
from keys.private_files import read_private

if TYPE_CHECKING:
    from collections.abc import Callable


def load_signer(uri: str, *, passphrase: Callable[[], bytes]) -> Signer:
    """Open the key that `uri` names.

    `file:/path/key.pem`, or `file:keys/key.pem` from the working directory; `agent:/path/to.sock#name`, a key in the
    keeping of a signing agent (`python -m keys serve`), which is all that a web process should know of it.

    A plain key (not encrypted) is read too, and `passphrase` is then not called: whoever can read a file of
    mode 0600 could read the passphrase beside it, and secret managers hand out plain keys. None is ever written.

    Args:
        uri: The key's name. Nothing in it is percent-decoded.
        passphrase: Called at most once, and only for an encrypted key.

    Raises:
        CustodyError: another scheme, no such file, a file that others can read, a passphrase that is wrong or
            missing, or no engine for private keys; or the agent does not answer, or refuses.
        MalformedError: the file is not an SM2 private key in PKCS#8 PEM.
    """
    scheme, _, path = uri.partition(":")
    if scheme == SCHEME:
        return open_agent_signer(uri)
    if scheme != "file" or not path or (path.startswith("//") and not path.startswith("///")):
        raise CustodyError(
            Reason.USAGE,
            f"{uri!r} names no key: supported are file:PATH, e.g. file:/srv/keys/department.key.pem, "
            "and agent:/path/to.sock#name",
        )
    return open_key_file(Path(path), passphrase)


def open_key_file(path: Path, passphrase: Callable[[], bytes]) -> PrivateKey:
    """Open a key file; `load_signer` says how.

    Raises:
        CustodyError: as for `load_signer`.
        MalformedError: as for `load_signer`.
    """
    pem = read_private(path)
    try:
        try:
            return PrivateKey.from_pem(pem)
        except CustodyError as error:
            if error.reason is not Reason.PASSPHRASE_MISSING:
                raise
        return PrivateKey.from_pem(pem, passphrase())
    except (CustodyError, MalformedError) as error:
        raise _about(path, error) from error


def _about(path: Path, error: EcertError) -> EcertError:
    """Name the file in an error that an operator with several keys will read."""
    return type(error)(error.reason, f"{path}: {error.detail}")
