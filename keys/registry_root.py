"""The root of the registry: each root signs the next, and one of its keys can be replaced at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tuf.api.metadata import Role, Root

from ecert.errors import CustodyError, NotFoundError, Reason
from ecert.trust.tuf_keys import Sm2Key
from keys.repository import ROOT, SNAPSHOT, TARGETS, TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ecert.trust.tuf_keys import Sm2Signer
    from keys.registry_keys import RegistryKeys
    from keys.repository import Repository

LIFETIME: Final = timedelta(days=365)
"""How long a root is good from its signing."""
_VOUCHED_FOR: Final = (TARGETS, SNAPSHOT, TIMESTAMP)


def root_key(number: int) -> str:
    """Return the name of a root key, counted from 1."""
    return f"root-{number}"


def first_root(repository: Repository, keys: RegistryKeys, number: int, threshold: int) -> bytes:
    """Sign the first root with all its keys, which lie in the ceremony directory."""
    names = [root_key(n) for n in range(1, number + 1)]
    root = Root(consistent_snapshot=True)
    root.roles[ROOT] = Role([], threshold)
    for name in names:
        root.add_key(keys.open(name).public_key, ROOT)
    for name in _VOUCHED_FOR:
        root.add_key(keys.open(name).public_key, name)
    return repository.sign(root, LIFETIME, map(keys.open, names))


def next_root(repository: Repository, keys: RegistryKeys, *, replaced: str | None) -> tuple[str, bytes]:
    """Sign the next root: with one key replaced, or only for another year. It is not written yet.

    It is signed by the keys of the root before it and by its own, as many as each asks for.

    Args:
        repository: Where the root stands.
        keys: The ceremony directory's.
        replaced: `root-2`, say; or `targets`, `snapshot`, `timestamp`; None: every key stays.

    Returns:
        Its file name, and its bytes.

    Raises:
        CustodyError: too few of the root keys are here.
        NotFoundError: the registry has no such key.
    """
    held = repository.root().signed
    here = _root_keys_here(held, keys)
    _require_enough(here, held.roles[ROOT].threshold)
    root = Root.from_dict(held.to_dict())
    root.version += 1
    if replaced is not None:
        role = replaced if replaced in _VOUCHED_FOR else ROOT
        old = _key_of(held, keys, replaced, here)
        staying = here.keys() - {replaced}
        _require_enough(staying, held.roles[ROOT].threshold - (role == ROOT))
        keys.replace(replaced, old)
        root.revoke_key(old.keyid, role)
        root.add_key(keys.open(replaced).public_key, role)
        if role == ROOT:
            here[replaced] = keys.open(replaced)
    signers = [signer for name in sorted(here) for signer in keys.signers(name)]
    return f"{root.version}.root.json", repository.sign(root, LIFETIME, signers)


def _root_keys_here(root: Root, keys: RegistryKeys) -> dict[str, Sm2Signer]:
    names = [root_key(n) for n in range(1, len(root.roles[ROOT].keyids) + 1)]
    opened = {name: keys.open(name) for name in names if keys.has(name)}
    return {name: one for name, one in opened.items() if one.public_key.keyid in root.roles[ROOT].keyids}


def _key_of(root: Root, keys: RegistryKeys, name: str, here: dict[str, Sm2Signer]) -> Sm2Key:
    """Return the registry's key of that name; of a root key that is not here, the one no other name accounts for."""
    if name in _VOUCHED_FOR:
        found = [root.keys[one] for one in root.roles[name].keyids]
    elif name in here:
        found = [here[name].public_key]
    else:
        known = {one.public_key.keyid for one in here.values()}
        found = [root.keys[one] for one in root.roles[ROOT].keyids if one not in known]
    if len(found) != 1 or not isinstance(found[0], Sm2Key):
        raise NotFoundError(
            Reason.KEY_NOT_FOUND,
            f"it cannot be told which key is {name}: bring the other root keys to {keys.file(name).parent}",
        )
    return found[0]


def _require_enough(names: Iterable[str], threshold: int) -> None:
    names = sorted(names)
    if len(names) < threshold:
        raise CustodyError(
            Reason.KEY_NOT_FOUND,
            f"the next root takes {threshold} of the root keys that stay; here of them: {', '.join(names) or 'none'}",
        )
