"""The root of the registry: each root signs the next, and one of its keys can be replaced at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tuf.api.metadata import Metadata, Role, Root

from ecert.errors import CustodyError, NotFoundError, Reason
from ecert.trust.tuf_keys import Sm2Key
from keys.repository import ROOT, SNAPSHOT, TARGETS, TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ecert.trust.tuf_keys import Sm2Signer
    from keys.registry_keys import RegistryKeys
    from keys.repository import Repository

LIFETIME: Final = timedelta(days=365)
"""How long a root is good from its signing."""
_VOUCHED_FOR: Final = (TARGETS, SNAPSHOT, TIMESTAMP)


def first_root(repository: Repository, keys: RegistryKeys, *, number: int, threshold: int) -> Path:
    """Sign the first root with all its keys, which lie in the ceremony directory."""
    names = [f"root-{n}" for n in range(1, number + 1)]
    root = Root(consistent_snapshot=True)
    root.roles[ROOT] = Role([], threshold)
    for name in names:
        root.add_key(keys.open(name).public_key, ROOT)
    for name in _VOUCHED_FOR:
        root.add_key(keys.open(name).public_key, name)
    data = repository.sign(root, LIFETIME, *map(keys.open, names))
    return repository.write("1.root.json", data)


def next_root(repository: Repository, keys: RegistryKeys, *, replaced: str | None) -> Path:
    """Sign the next root: with one key replaced, or only for another year.

    It is signed by the keys of the root before it and by its own, as many as each asks for.

    Args:
        repository: Where the root stands.
        keys: The ceremony directory's.
        replaced: `root-2`, say; or `targets`, `snapshot`, `timestamp`; None: every key stays.

    Raises:
        CustodyError: too few of the root keys are here.
        NotFoundError: the registry has no such key.
    """
    held = repository.root().signed
    signers = _root_keys_here(held, keys)
    root = Root.from_dict(held.to_dict())
    root.version += 1
    if replaced is not None:
        old = _key_of(held, keys, replaced, signers)
        signers.pop(replaced, None)
        _require_enough(signers, held)
        keys.replace(replaced, old)
        role = ROOT if replaced.startswith("root-") else replaced
        root.revoke_key(old.keyid, role)
        root.add_key(keys.open(replaced).public_key, role)
        if role == ROOT:
            signers[replaced] = keys.open(replaced)
    else:
        _require_enough(signers, held)
    return _write(repository, root, signers.values())


def _root_keys_here(root: Root, keys: RegistryKeys) -> dict[str, Sm2Signer]:
    names = [f"root-{n}" for n in range(1, len(root.roles[ROOT].keyids) + 1)]
    opened = {name: keys.open(name) for name in names if keys.has(name)}
    return {name: one for name, one in opened.items() if one.public_key.keyid in root.roles[ROOT].keyids}


def _key_of(root: Root, keys: RegistryKeys, name: str, signers: dict[str, Sm2Signer]) -> Sm2Key:
    """Return the registry's key of that name; of a root key that is not here, the one no other name accounts for."""
    if name in _VOUCHED_FOR:
        found = [root.keys[one] for one in root.roles[name].keyids]
    elif name in signers:
        found = [signers[name].public_key]
    else:
        known = {one.public_key.keyid for one in signers.values()}
        found = [root.keys[one] for one in root.roles[ROOT].keyids if one not in known]
    if len(found) != 1 or not isinstance(found[0], Sm2Key):
        raise NotFoundError(
            Reason.KEY_NOT_FOUND,
            f"it cannot be told which key is {name}: bring the other root keys to {keys.file(name).parent}",
        )
    return found[0]


def _require_enough(signers: dict[str, Sm2Signer], root: Root) -> None:
    threshold = root.roles[ROOT].threshold
    if len(signers) < threshold:
        here = ", ".join(signers) or "none"
        raise CustodyError(
            Reason.KEY_NOT_FOUND, f"a new root takes {threshold} of the root keys that stay; here of them: {here}"
        )


def _write(repository: Repository, root: Root, signers: Iterable[Sm2Signer]) -> Path:
    """Check as a window will, and put the root out."""
    data = repository.sign(root, LIFETIME, *signers)
    metadata: Metadata[Root] = Metadata.from_bytes(data)
    for delegator in (repository.root().signed, metadata.signed):
        delegator.verify_delegate(ROOT, metadata.signed_bytes, metadata.signatures)
    return repository.write(f"{root.version}.root.json", data)
