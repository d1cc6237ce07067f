"""An agent from its policy: every key opened, everything checked, before the socket is bound."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

from ecert.errors import CustodyError, Reason
from keys.agent.desk import Desk
from keys.agent.journal import Journal
from keys.agent.policy import load_policy
from keys.agent.server import Server
from keys.passphrase import read_passphrase_file
from keys.signer import open_key_file
from keys.vault_file import open_vault_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from ecert.sm2 import Signer
    from keys.agent.policy import AuditPolicy, Secret


def open_desk(path: Path, ask: Callable[[str], bytes], now: Callable[[], datetime]) -> Desk:
    """Open a policy, the keys that it names, and the log.

    Args:
        path: The policy.
        ask: Returns the passphrase of a key of that name, where the policy names no file with it.
        now: The clock.

    Raises:
        EcertError: something cannot be used.
        OSError: a file cannot be read.
    """
    policy = load_policy(path)
    signer = _audit_key(policy.audit, ask)
    keys = {
        name: open_key_file(one.secret.file, _passphrase(one.secret, name, ask)) for name, one in policy.keys.items()
    }
    vaults = {
        name: open_vault_file(one.secret.file, _passphrase(one.secret, name, ask))
        for name, one in policy.vaults.items()
    }
    return Desk(policy, keys, vaults, partial(Journal, policy.audit.file, signer, now), now)


def _audit_key(audit: AuditPolicy, ask: Callable[[str], bytes]) -> Signer:
    signer = open_key_file(audit.secret.file, _passphrase(audit.secret, "audit", ask))
    if signer.public_key != audit.public_key:
        raise CustodyError(Reason.KEY_MISMATCH, f"{audit.secret.file} is another key than the policy's public_key")
    return signer


def _passphrase(secret: Secret, name: str, ask: Callable[[str], bytes]) -> Callable[[], bytes]:
    file = secret.passphrase_file
    return partial(ask, name) if file is None else partial(read_passphrase_file, file)


def serve(desk: Desk, socket: Path, group: int | None, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, and sign the end of the log.

    Raises:
        CustodyError: the socket cannot be bound.
    """
    server = Server(desk, socket, group)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    desk.journal.sign_head()
    ready()
    server.run()
    desk.journal.sign_head()
