"""A region's part of the published folder: `status/<region>/`, every file put out whole or not at all.

    snapshot.bin                      the newest snapshot        pages/<key id>-<list>/<page>.bin   details
    deltas/<sequence>.bin             the newest 1,024 deltas    lists/<key id>-<list>.jwt, .cwt    token status lists
    head.json                         how far it has come        seals.bin                          status of seals
    issued/head.bin, issued/heads/<number>.bin                   heads of the issued set
    types.bin, types/<SM3>.json                                  the catalogue, and its definitions and layouts

`head.json` is put out last: whoever reads it finds everything it speaks of.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from api.chain import SealedChain
from ecert.cli.files import read_bounded, write_atomic
from ecert.cli.published import STATUS
from ecert.errors import NotFoundError, Reason
from ecert.revocation import MAX_DELTA, MAX_SNAPSHOT, load_delta, load_snapshot
from ecert.revocation.issued import MAX_HEAD
from ecert.revocation.seal_list import MAX_SEAL_LIST

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ecert.revocation import ListKey, RegionStatus
    from ecert.trust import Registry

KEPT_DELTAS: Final = 1024
"""Deltas older than the newest so many are removed: whoever is that far behind takes the snapshot."""


def list_name(list_key: ListKey) -> str:
    """Return what a list is called in file names."""
    return f"{list_key[0].hex()}-{list_key[1]}"


class StatusFolder:
    """The files of one region."""

    def __init__(self, published: Path, region: str) -> None:
        """Work in `published/status/<region>`, which need not be there yet."""
        self.path = published / STATUS / region

    @property
    def snapshot(self) -> Path:
        """Where the newest snapshot lies."""
        return self.path / "snapshot.bin"

    def delta(self, sequence: int) -> Path:
        """Return where a delta lies."""
        return self.path / "deltas" / f"{sequence}.bin"

    def load(self, registry: Registry, *, now: datetime) -> tuple[SealedChain, RegionStatus, int] | None:
        """Read and verify what is published: the chain, what it leads to, and the snapshot's sequence number.

        Returns:
            None when there is no snapshot.

        Raises:
            EcertError: it does not verify.
        """
        snapshot = self.read_snapshot()
        if snapshot is None:
            return None
        status = load_snapshot(snapshot, registry, now=now)
        base, deltas = status.sequence, {}
        while (data := self.read_delta(status.sequence + 1)) is not None:
            status = load_delta(data, registry, status, now=now)
            deltas[status.sequence] = data
        return SealedChain(snapshot, deltas), status, base

    def read_snapshot(self) -> bytes | None:
        """Return the snapshot, None when it is not there."""
        with suppress(NotFoundError):
            return read_bounded(self.snapshot, MAX_SNAPSHOT, Reason.STATUS_MISSING)
        return None

    def read_delta(self, sequence: int) -> bytes | None:
        """Return a delta, None when it is not there."""
        with suppress(NotFoundError):
            return read_bounded(self.delta(sequence), MAX_DELTA, Reason.STATUS_MISSING)
        return None

    def read_list(self, name: str) -> bytes | None:
        """Return the list of seals, or of types; None when it is not there."""
        with suppress(NotFoundError):
            return read_bounded(self.path / name, MAX_SEAL_LIST, Reason.STATUS_MISSING)
        return None

    def read_head(self) -> bytes | None:
        """Return the newest head of the issued set, None when it is not there."""
        with suppress(NotFoundError):
            return read_bounded(self.path / "issued" / "head.bin", MAX_HEAD, Reason.STATUS_MISSING)
        return None

    def has_type_file(self, digest: bytes) -> bool:
        """Tell whether a definition or a layout with this SM3 digest was put out."""
        return self._type_file(digest).exists()

    def _type_file(self, digest: bytes) -> Path:
        return self.path / "types" / f"{digest.hex()}.json"

    def has_head(self, number: int) -> bool:
        """Tell whether a head of the issued set was put out."""
        return (self.path / "issued" / "heads" / f"{number}.bin").exists()

    def put_delta(self, sequence: int, data: bytes) -> None:
        """Put out a delta, and remove the one that is too old now."""
        _put(self.delta(sequence), data)
        self.delta(sequence - KEPT_DELTAS).unlink(missing_ok=True)

    def put_snapshot(self, data: bytes) -> None:
        """Put out a snapshot."""
        _put(self.snapshot, data)

    def put_page(self, list_key: ListKey, page: int, data: bytes) -> None:
        """Put out a page of details."""
        _put(self.path / "pages" / list_name(list_key) / f"{page}.bin", data)

    def put_token_lists(self, list_key: ListKey, jwt: bytes, cwt: bytes) -> None:
        """Put out a list as token status lists."""
        lists = self.path / "lists"
        _put(lists / f"{list_name(list_key)}.jwt", jwt)
        _put(lists / f"{list_name(list_key)}.cwt", cwt)

    def put_list(self, name: str, data: bytes) -> None:
        """Put out the list of seals, or of types."""
        _put(self.path / name, data)

    def put_type_file(self, digest: bytes, data: bytes) -> None:
        """Put out a definition or a layout under its SM3 digest."""
        _put(self._type_file(digest), data)

    def put_head(self, number: int, data: bytes) -> None:
        """Put out the head of the issued set with this number, the newest from now on."""
        _put(self.path / "issued" / "heads" / f"{number}.bin", data)
        _put(self.path / "issued" / "head.bin", data)

    def put_hint(self, sequence: int, snapshot: int) -> None:
        """Say how far the chain has come: a hint, believed by nobody."""
        _put(self.path / "head.json", json.dumps({"sequence": sequence, "snapshot": snapshot}).encode())


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data)
