"""Carries out the conformance cases: data in, what three clients make of it out.

A case begins with the country of `tests.trust.country`, published once. Its `steps` go on from there:

    {"do": "publish"}                                      sign everything in new versions
    {"do": "hold", "days_ago": 0}                          the window takes what is published, today or some days ago
    {"do": "rotate-root-key", "number": 0}                 a new root, signed as it must be
    {"do": "rotate-key", "name": "timestamp"}              a new key for a role; the one before is kept as `old-<name>`
    {"do": "new-root-keys"}, {"do": "list-key-again", "name": ..., "key_id": ...}
                                                           the next root has other keys `root-3` to `root-5`; or one
                                                           key under another id, in the place of its first
    {"do": "write-root", "by": [...]}                      a new root, signed by these keys
    {"do": "edit", "role": ..., "at": [...], "value": ...} change what is signed from here on; no value: remove it
    {"do": "sign", "role": ..., "by": [...]}               have it signed by other keys from here on
    {"do": "lifetime", "role": ..., "days": -1}            how long its metadata is good, from here on
    {"do": "slice", "role": ..., "path": ..., "like": ..., "changes": [[[...], value], ...]}
                                                           sign for a changed copy of a slice
    {"do": "slice-text", "role": ..., "path": ..., "text": ..., "times": 1}
                                                           sign for a slice that is this text
    {"do": "replay", "file": ..., "publication": 1}        hand out what this file was at an earlier publication
    {"do": "tamper", "file": ..., "append": bytes | "cut": bytes | "find": text, "replace": text | "deep": levels |
                     "remove": true}                       change what is handed out, announced or not
"""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from ecert.errors import EcertError
from ecert.sm2 import PrivateKey
from ecert.trust.metadata import RegistryFiles, export_files, load_registry, read_export, refresh
from ecert.trust.places import Place
from ecert.trust.tuf_keys import Sm2Signer
from tests.trust.country import ISSUERS, Country
from tests.trust.repository import DAY, Repository, answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ecert.trust import Registry

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    """What a client made of a case.

    Attributes:
        refused: Why everything was refused; empty when it was taken.
        problems: Region → why it is not in use.
        unknown: Regions whose issuers cannot be found.
    """

    refused: str = ""
    problems: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass
class Run:
    """A case while it is carried out."""

    country: Country
    folder: Path
    repository: Repository = field(init=False)
    history: list[dict[str, bytes]] = field(default_factory=list)
    held: RegistryFiles | None = None

    def __post_init__(self) -> None:
        self.repository = self.country.repository()
        self.history.append(self.repository.files)

    def do(self, step: dict[str, Any]) -> None:
        arguments = {name: value for name, value in step.items() if name != "do"}
        getattr(self, "do_" + step["do"].replace("-", "_"))(**arguments)

    def do_publish(self) -> None:
        self.repository.publish()
        self.history.append(self.repository.files)

    def do_hold(self, days_ago: int = 0) -> None:
        self.held = self.repository.update(self.held, now=self.repository.now - days_ago * DAY)
        self.by_tuf()

    def do_rotate_root_key(self, number: int) -> None:
        self.repository.rotate_root_key(number)

    def do_new_root_keys(self) -> None:
        self.repository.root_keys = ["root-3", "root-4", "root-5"]
        self.repository.keys |= {name: PrivateKey.generate() for name in self.repository.root_keys}

    def do_write_root(self, by: list[str]) -> None:
        self.repository.write_root(by)

    def do_rotate_key(self, name: str) -> None:
        self.repository.keys[f"old-{name}"] = self.repository.keys[name]
        self.repository.rotate_key(name)

    def do_sign(self, role: str, by: list[str]) -> None:
        self.repository.signers[role] = by

    def do_lifetime(self, role: str, days: int) -> None:
        self.repository.lifetimes[role] = days * DAY

    def do_edit(self, role: str, at: list[Any], value: Any = None) -> None:
        at = [self._resolved(part) for part in at]
        self.repository.edits.setdefault(role, []).append(lambda signed: _change(signed, at, value))

    def do_list_key_again(self, name: str, key_id: str) -> None:
        key = Sm2Signer(self.repository.keys[name]).public_key.to_dict()
        self.do_edit("root", ["keys", key_id], key)
        self.do_edit("root", ["roles", "root", "keyids", 0], key_id)

    def _resolved(self, part: Any) -> Any:
        """Return the key id of the key named, for `key-id:<name>`."""
        named = isinstance(part, str) and part.startswith("key-id:")
        return self.repository.key_id(part.removeprefix("key-id:")) if named else part

    def do_slice(self, role: str, path: str, like: str, changes: list[tuple[list[Any], Any]]) -> None:
        content = json.loads(self.repository.files[like])
        for at, value in changes:
            _change(content, at, value)
        self.repository.roles[role].slices[path] = json.dumps(content).encode()

    def do_slice_text(self, role: str, path: str, text: str, times: int = 1) -> None:
        self.repository.roles[role].slices[path] = text.encode() * times

    def do_replay(self, file: str, publication: int) -> None:
        self.repository.published[self.repository.current[file]] = self.history[publication - 1][file]

    def do_tamper(self, file: str, **how: Any) -> None:
        path = self.repository.current[file]
        data = self.repository.published.pop(path)
        if "append" in how:
            data += b" " * how["append"]
        if "cut" in how:
            data = data[: -how["cut"]]
        if "find" in how:
            changed = data.replace(how["find"].encode(), how["replace"].encode(), 1)
            assert changed != data, f"{file} does not have {how['find']}"
            data = changed
        if "deep" in how:
            data = b"[" * how["deep"] + b"]" * how["deep"]
        if "remove" not in how:
            self.repository.published[path] = data

    # The three clients

    def online(self) -> Outcome:
        """Our own update from the publisher."""
        try:
            return self._outcome(load_registry(self.repository.update(self.held), self.repository.root))
        except EcertError as error:
            return Outcome(error.reason.value)

    def offline(self) -> Outcome:
        """Our own update from one exported file, with no clock; then, as a window that holds nothing, a plain load."""
        files = read_export(export_files(self.repository.files))
        steps = refresh(self.held, self.repository.root, now=LONG_AGO)
        try:
            taken = answer(steps, lambda wanted: files.get(wanted.name))
            outcome = self._outcome(load_registry(taken, self.repository.root))
        except EcertError as error:
            outcome = Outcome(error.reason.value)
        if self.held is None:
            assert self._plain_load(files) == outcome, "a plain load differs from an update by the same files"
        return outcome

    def _plain_load(self, files: RegistryFiles) -> Outcome:
        try:
            return self._outcome(load_registry(files, self.repository.root))
        except EcertError as error:
            return Outcome(error.reason.value)

    def _outcome(self, registry: Registry) -> Outcome:
        problems = {code: error.reason.value for code, error in registry.problems.items()}
        known = {code for code, name in ISSUERS.items() if registry.find(self.country.key_id(name)) is not None}
        return Outcome("", problems, tuple(sorted(ISSUERS.keys() - known)))

    def by_tuf(self) -> Outcome:
        """python-tuf's own client, which knows nothing of regions: one is unknown when a slice cannot be had."""
        for name in ("metadata", "targets"):
            (self.folder / name).mkdir(exist_ok=True)
        updater = Updater(
            str(self.folder / "metadata"),
            "http://publisher/metadata/",
            str(self.folder / "targets"),
            "http://publisher/targets/",
            fetcher=Fetcher(self.repository.published),
            bootstrap=self.repository.root,
        )
        try:
            updater.refresh()
        except (RepositoryError, DownloadError) as error:
            return Outcome(type(error).__name__)
        unknown = {code for path, code in self._wanted() if not _has(updater, path)}
        return Outcome("", {}, tuple(sorted(unknown)))

    def _wanted(self) -> Iterator[tuple[str, str]]:
        for path in self.history[0]:
            place = Place.parse(path)
            if place is not None and place.owner in ISSUERS:
                yield path, place.owner


def _has(updater: Updater, path: str) -> bool:
    with suppress(RepositoryError, DownloadError):
        target = updater.get_targetinfo(path)
        if target is not None:
            updater.download_target(target)
            return True
    return False


def _change(content: Any, at: list[Any], value: Any) -> None:
    *way, last = at
    for key in way:
        content = content[key]
    if value is None:
        del content[last]
    else:
        content[last] = copy.deepcopy(value)


class Fetcher(FetcherInterface):
    """Brings python-tuf what is published in memory."""

    def __init__(self, published: dict[str, bytes]) -> None:
        self.published = published

    def _fetch(self, url: str) -> Iterator[bytes]:
        data = self.published.get(url.removeprefix("http://publisher/"))
        if data is None:
            raise DownloadHTTPError("not found", 404)
        return iter((data,))
