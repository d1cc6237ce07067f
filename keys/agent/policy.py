"""Who may sign what with which key, how often, and from where on two persons are needed: one TOML file.

[audit]                                   # the agent's own log
file = "audit/agent.log"
key = "agent-audit.key.pem"               # signs how far the log has come
public_key = "04…"                        # the same, as `python -m keys new-key` printed it

[clients]                                 # processes, by the users they run as
api = [10001]

[approvers]                               # persons, by their public keys
zhang = "04…"

[keys.market]                             # agent:SOCKET#market
file = "department-11440000DEMG100223.key.pem"
clients = ["api"]
kinds = ["record", "face", "sealing"]     # see `keys.agent.kinds`
per_minute = 60000                        # of each kind
per_day = 500000                          # of each kind, by the calendar of Beijing
alone_per_day = 20000                     # of each kind; beyond it, somebody approves
approvers = ["zhang"]

[vaults.ledger]                           # agent:SOCKET#ledger
file = "ledger.vault"
clients = ["api"]
per_day = 20000                           # how often it is handed out: each process asks once a minute

Each key and vault may have a `passphrase_file`. Paths begin at the policy's folder. Nothing has a default that allows.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ecert.errors import CustodyError, EcertError, MalformedError, Reason
from ecert.sm2 import PublicKey
from keys.agent.kinds import Tbs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

T = TypeVar("T")

MAX_POLICY: Final = 256 * 1024
"""The most bytes of a policy."""
NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_MAX_UID: Final = 2**32 - 2
_MAX_COUNT: Final = 10**9
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Secret:
    """A file with a secret.

    Attributes:
        file: The file.
        passphrase_file: Where its passphrase stands; None: it is given to the process, or asked for.
    """

    file: Path
    passphrase_file: Path | None


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """What holds for one key.

    Attributes:
        name: Its name.
        secret: Its file.
        clients: Who may use it.
        kinds: What may be signed.
        per_minute: How many of each kind in a minute.
        per_day: How many of each kind in a day.
        alone_per_day: How many of each kind in a day before somebody approves; None: nobody need.
        approvers: Who may approve.
    """

    name: str
    secret: Secret
    clients: frozenset[str]
    kinds: frozenset[Tbs]
    per_minute: int
    per_day: int
    alone_per_day: int | None
    approvers: frozenset[str]


@dataclass(frozen=True, slots=True)
class VaultPolicy:
    """What holds for the key of one ledger.

    Attributes:
        name: Its name.
        secret: Its file.
        clients: Who may have it.
        per_day: How often in a day it is handed out.
    """

    name: str
    secret: Secret
    clients: frozenset[str]
    per_day: int


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    """The agent's own log.

    Attributes:
        file: The log.
        secret: The key that signs how far it has come.
        public_key: The same key.
    """

    file: Path
    secret: Secret
    public_key: PublicKey


@dataclass(frozen=True, slots=True)
class Policy:
    """All of it.

    Attributes:
        audit: The log.
        clients: Processes by the user they run as.
        approvers: Persons by name.
        keys: Keys by name.
        vaults: Keys of ledgers by name.
    """

    audit: AuditPolicy
    clients: Mapping[int, str]
    approvers: Mapping[str, PublicKey]
    keys: Mapping[str, KeyPolicy]
    vaults: Mapping[str, VaultPolicy]


def load_policy(path: Path) -> Policy:
    """Read a policy.

    Raises:
        EcertError: USAGE; it cannot be read, or something in it is unknown, missing or wrong.
        CustodyError: KEY_FILE_EXPOSED; others may write it.
    """
    try:
        root = _Table(tomllib.loads(_read(path).decode()), "", path.resolve().parent)
        policy = _policy(root)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EcertError(Reason.USAGE, f"{path} is not TOML: {error}") from error
    except _WrongError as error:
        raise EcertError(Reason.USAGE, f"{path}: {error}") from error
    return policy


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAX_POLICY + 1)
    except OSError as error:
        raise EcertError(Reason.USAGE, f"the policy {path} cannot be read: {error.strerror}") from error
    if mode & _OTHERS_WRITE:
        raise CustodyError(Reason.KEY_FILE_EXPOSED, f"others can write {path}: run chmod go-w {path}, and read it anew")
    if len(data) > MAX_POLICY:
        raise EcertError(Reason.USAGE, f"the policy {path} has more than {MAX_POLICY} bytes")
    return data


class _WrongError(ValueError):
    """Something in the policy is not as it must be."""


class _Table:
    """One table of the file, read key by key; what nobody asked for is refused."""

    def __init__(self, content: Any, where: str, folder: Path) -> None:
        if not isinstance(content, dict):
            raise _WrongError(f"{where} is not a table")
        self._content, self.where, self._folder = dict(content), where, folder

    def take(self, name: str, kind: type[T]) -> T:
        """Return what stands under a name."""
        value = self._content.pop(name, None)
        if type(value) is not kind:
            raise _WrongError(f"{self.where}{name} is missing, or is no {kind.__name__}")
        return value

    def has(self, name: str) -> bool:
        return name in self._content

    def count(self, name: str) -> int:
        value = self.take(name, int)
        if not 0 <= value <= _MAX_COUNT:
            raise _WrongError(f"{self.where}{name} is not a number from 0 to {_MAX_COUNT}")
        return value

    def file(self, name: str) -> Path:
        return self._folder / self.take(name, str)

    def words(self, name: str, known: Mapping[str, Any]) -> frozenset[str]:
        """Return a list of words, each known."""
        words = self.take(name, list)
        unknown = [str(one) for one in words if one not in known]
        if unknown or not words:
            raise _WrongError(f"{self.where}{name} is empty, or names what there is not: {', '.join(unknown)}")
        return frozenset(words)

    def secret(self, name: str) -> Secret:
        return Secret(self.file(name), self.file("passphrase_file") if self.has("passphrase_file") else None)

    def point(self, name: str) -> PublicKey:
        try:
            return PublicKey.from_point(bytes.fromhex(self.take(name, str)))
        except (ValueError, MalformedError) as error:
            raise _WrongError(f"{self.where}{name} is not a public key in hex, as new-key prints it") from error

    def table(self, name: str) -> _Table:
        return _Table(self._content.pop(name, {}), f"{self.where}{name}.", self._folder)

    def names(self) -> list[str]:
        """Return the names that stand here, each of the form of names."""
        wrong = [name for name in self._content if not NAME.fullmatch(name)]
        if wrong:
            raise _WrongError(f"{self.where}{wrong[0]} is not a name of small letters, digits, - and .")
        return list(self._content)

    def finish(self) -> None:
        if self._content:
            raise _WrongError(f"{self.where}{next(iter(self._content))} is not known here")


def _policy(root: _Table) -> Policy:
    audit, clients, people = root.table("audit"), root.table("clients"), root.table("approvers")
    keys, vaults = root.table("keys"), root.table("vaults")
    root.finish()
    uids = {name: clients.take(name, list) for name in clients.names()}
    approvers = {name: people.point(name) for name in people.names()}
    policy = Policy(
        audit=_audit(audit),
        clients=_by_uid(uids),
        approvers=approvers,
        keys={name: _key(name, keys.table(name), uids, approvers) for name in keys.names()},
        vaults={name: _vault(name, vaults.table(name), uids) for name in vaults.names()},
    )
    twice = policy.keys.keys() & policy.vaults.keys()
    if twice:
        raise _WrongError(f"keys and vaults have a name in common: {', '.join(sorted(twice))}")
    return policy


def _by_uid(uids: Mapping[str, list[Any]]) -> dict[int, str]:
    found: dict[int, str] = {}
    for name, numbers in uids.items():
        for uid in numbers:
            if type(uid) is not int or not 0 <= uid <= _MAX_UID or uid in found:
                raise _WrongError(f"clients.{name}: {uid} is no user's number, or is there twice")
            found[uid] = name
    return found


def _audit(table: _Table) -> AuditPolicy:
    audit = AuditPolicy(table.file("file"), table.secret("key"), table.point("public_key"))
    table.finish()
    return audit


def _key(name: str, table: _Table, clients: Mapping[str, Any], approvers: Mapping[str, Any]) -> KeyPolicy:
    alone = table.count("alone_per_day") if table.has("alone_per_day") else None
    policy = KeyPolicy(
        name=name,
        secret=table.secret("file"),
        clients=table.words("clients", clients),
        kinds=frozenset(map(Tbs, table.words("kinds", {kind.value: kind for kind in Tbs}))),
        per_minute=table.count("per_minute"),
        per_day=table.count("per_day"),
        alone_per_day=alone,
        approvers=frozenset() if alone is None else table.words("approvers", approvers),
    )
    table.finish()
    return policy


def _vault(name: str, table: _Table, clients: Mapping[str, Any]) -> VaultPolicy:
    policy = VaultPolicy(name, table.secret("file"), table.words("clients", clients), table.count("per_day"))
    table.finish()
    return policy
