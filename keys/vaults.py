"""From a name to the key of data at rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ecert.errors import CustodyError, Reason
from ecert.web.agent_client import SCHEME, open_agent_vault
from keys.vault_file import open_vault_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecert.sm2 import Vault


def load_vault(uri: str, *, passphrase: Callable[[], bytes]) -> Vault:
    """Open the key of data at rest that `uri` names: `agent:/path/to.sock#name`, or `file:PATH` of a vault file.

    Args:
        uri: The key's name.
        passphrase: Called at most once, and only for a file.

    Raises:
        CustodyError: another scheme, no such file or agent, a passphrase that is wrong or missing, or the agent
            refuses.
        MalformedError: KEY_FILE_MALFORMED; the file is something else.
    """
    scheme, _, path = uri.partition(":")
    if scheme == SCHEME:
        return open_agent_vault(uri)
    if scheme != "file" or not path:
        raise CustodyError(
            Reason.USAGE, f"{uri!r} names no key of a ledger: supported are agent:/path/to.sock#name and file:PATH"
        )
    return open_vault_file(Path(path), passphrase).vault
