"""The keys of the trust registry in a ceremony directory: one file for each TUF role, `registry-<role>.key.pem`.

`root-1`, `root-2`, ... and `targets` are the nation's and lie off line; `snapshot` and `timestamp` work on line; a
region's or a ministry's role is named by its code. A key that was replaced stays as `registry-<role>.<key id>.key.pem`.

A rotation that was cut short left a new key here that the registry does not know yet: running it again finishes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecert.errors import CustodyError, Reason
from ecert.trust.tuf_keys import Sm2Signer
from keys.home import KEY_SUFFIX, Change, Home
from keys.making import new_key
from keys.signer import open_key_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ecert.trust.tuf_keys import Sm2Key


class RegistryKeys:
    """The registry's keys in one ceremony directory. Passphrases are asked for by a key's name, when needed."""

    def __init__(self, home: Path, passphrase: Callable[[str], bytes], new_passphrase: Callable[[str], bytes]) -> None:
        """Work in `home`.

        Args:
            home: The ceremony directory.
            passphrase: Returns the passphrase of the key of that name, e.g. `registry-timestamp`.
            new_passphrase: The same for a key that is being made.
        """
        self._home = Home(home)
        self._passphrase = passphrase
        self._new_passphrase = new_passphrase
        self._opened: dict[str, Sm2Signer] = {}
        self._retiring: dict[str, Sm2Signer] = {}

    def file(self, role: str) -> Path:
        """Return the path of a role's key file."""
        return self._home.file(_file(role))

    def has(self, role: str) -> bool:
        """Tell whether a role's key lies here."""
        return self.file(role).exists()

    def open(self, role: str) -> Sm2Signer:
        """Open a role's key; asked for its passphrase once.

        Raises:
            CustodyError: it is not here, or its file or passphrase is not what it should be.
        """
        if role not in self._opened:
            key = open_key_file(self.file(role), lambda: self._passphrase(f"registry-{role}"))
            self._opened[role] = Sm2Signer(key)
        return self._opened[role]

    def make(self, roles: Iterable[str]) -> tuple[Path, ...]:
        """Make keys for these roles: all of them, or none.

        Raises:
            CustodyError: one exists, a passphrase is too short, or the directory cannot be written.
        """
        roles = tuple(roles)
        self._home.require_free(*map(_file, roles))
        made = {role: new_key(self._new_passphrase(f"registry-{role}")) for role in roles}
        with self._home.locked():
            files = self._home.apply(Change(create={_file(role): pem for role, (_, pem) in made.items()}))
        self._opened |= {role: Sm2Signer(key) for role, (key, _) in made.items()}
        return files

    def replace(self, role: str, held: Sm2Key) -> None:
        """Make a new key for a role; the old one stays under its key id until its holder destroys it.

        Until this process ends the old one signs too, where it is here, so that what is signed now verifies both
        for those who know of the new key and for those who do not yet.

        Args:
            role: Whose key is replaced.
            held: The key in use.

        Raises:
            CustodyError: the passphrase is too short, or a file cannot be read or written.
        """
        name, kept = _file(role), _file(f"{role}.{held.sm2.key_id.hex()}")
        if not self.has(role):  # its holder lost the old key, or moved it away
            self.make([role])
        elif self.open(role).public_key.keyid == held.keyid:
            self._retiring[role] = self.open(role)
            key, pem = new_key(self._new_passphrase(f"registry-{role}"))
            with self._home.locked():
                self._home.apply(Change(keep={name: kept}, replace={name: pem}))
            self._opened[role] = Sm2Signer(key)
        elif self._home.file(kept).exists():
            key = open_key_file(self._home.file(kept), lambda: self._passphrase(kept.removesuffix(KEY_SUFFIX)))
            self._retiring[role] = Sm2Signer(key)

    def signers(self, role: str) -> tuple[Sm2Signer, ...]:
        """Return whatever signs for a role: its key, and while that replaces another here, the other.

        Raises:
            CustodyError: as for `open`.
        """
        retiring = self._retiring.get(role)
        return (self.open(role),) if retiring is None else (self.open(role), retiring)

    def is_retiring(self, role: str) -> bool:
        """Tell whether the role's old key signs along with its new one."""
        return role in self._retiring

    def require(self, role: str, key: Sm2Key) -> None:
        """Check that a key here is the one the registry knows.

        Raises:
            CustodyError: it is another.
        """
        if key.keyid not in {signer.public_key.keyid for signer in self.signers(role)}:
            raise CustodyError(
                Reason.KEY_MISMATCH,
                f"{self.file(role)} is not the key that the registry has for {role}: bring that one here, or run "
                "registry rotate again where a rotation was cut short",
            )


def _file(role: str) -> str:
    return f"registry-{role}{KEY_SUFFIX}"
