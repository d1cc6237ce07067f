"""A trust registry in memory: all TUF keys, everything signed anew on demand, from what was added so far.

    repository = Repository(now)
    repository.set_nation(root_certificate.der, root_crl.der)
    repository.add_region("440000", ca_certificate.der, ca_crl.der, name="广东省", name_en="Guangdong")
    repository.add_member("440000", Member(Role.ISSUER, ...))
    repository.publish()
    registry = repository.load()

It writes metadata as plain JSON, without python-tuf's classes, so that a case can write what no honest writer would:
`edits` change what is signed, `signers` who signs it, and `published` may be changed when all is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from securesystemslib.formats import encode_canonical

from ecert.licence.codes import area_prefix
from ecert.sm2 import PrivateKey
from ecert.trust import Member, Policy, Registry
from ecert.trust.metadata import RegistryFiles, Steps, Wanted, load_registry, refresh, target_hashes
from ecert.trust.places import COMMON, NATION, Place, Usage
from ecert.trust.policy import encode_policy
from ecert.trust.slices import USAGE_OF, Authority, encode_authority, encode_members
from ecert.trust.strict_json import write_time
from ecert.trust.tuf_keys import Sm2Signer

Edit = Callable[[dict[str, Any]], None]
DAY = timedelta(days=1)
TOP_LEVEL = ("root", "targets", "snapshot", "timestamp")
ROOT_KEYS = 3
ROOT_THRESHOLD = 2


def answer(steps: Steps[Any], bring: Callable[[Wanted], bytes | None]) -> Any:
    """Drive an update to its end: bring what it wants, return what it returns."""
    data = None
    try:
        while True:
            data = bring(steps.send(data))
    except StopIteration as done:
        return done.value


@dataclass
class TufRole:
    """A delegated role: who it is, where its metadata comes from, and the slices it signs for."""

    code: str
    parent: str
    terminating: bool
    paths: list[str]
    slices: dict[str, bytes] = field(default_factory=dict)


def paths_of(code: str) -> list[str]:
    """Return the path patterns a region or ministry is delegated."""
    if len(code) != len(NATION):
        return [f"registry/{NATION}/{code}/*.json"]
    return [f"registry/{area_prefix(code).ljust(6, '?')}/*/*.json"]


@dataclass
class Repository:
    """The registry of a small country.

    Attributes:
        now: The writer's clock; move it as time passes.
        keys: TUF key name (`root-0`, `timestamp`, `440000`, ...) → key.
        lifetimes: Role → how long its metadata is good; `region` stands for every region and ministry.
        roles: Code → delegated role, in the order of delegation.
        authorities: Place → X.509 authority, the nation's too.
        members: (region or ministry, domain) → entries.
        policy: Freshness budgets; None publishes none.
        edits: Metadata name → changes to what is signed, at every publication.
        signers: Metadata name → names of the keys that sign it, where not the right ones.
        published: Path under `registry/` → bytes, everything ever published.
        current: Name in `RegistryFiles` → path under `registry/`, as of the last publication.
        root: The first root: what windows pin.
    """

    now: datetime
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    lifetimes: dict[str, timedelta] = field(
        default_factory=lambda: {
            "root": 365 * DAY,
            "targets": 90 * DAY,
            "snapshot": 7 * DAY,
            "timestamp": 7 * DAY,
            "region": 30 * DAY,
        }
    )
    roles: dict[str, TufRole] = field(default_factory=dict)
    authorities: dict[Place, Authority] = field(default_factory=dict)
    members: dict[Place, list[Member]] = field(default_factory=dict)
    policy: Policy | None = field(default_factory=Policy)
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    signers: dict[str, list[str]] = field(default_factory=dict)
    published: dict[str, bytes] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    root_keys: list[str] = field(default_factory=lambda: [f"root-{number}" for number in range(ROOT_KEYS)])
    root: bytes = b""

    def __post_init__(self) -> None:
        for name in (*self.root_keys, "targets", "snapshot", "timestamp"):
            self.keys[name] = PrivateKey.generate()
        self.write_root(self.root_keys)
        self.root = self.published["metadata/1.root.json"]

    # What is in the registry

    def set_nation(self, certificate: bytes, crl: bytes | None = None) -> None:
        """Name the national X.509 root, in DER."""
        self.authorities[Place(NATION, COMMON, Usage.AUTHORITY)] = Authority("国家", "China", certificate, crl)

    def add_region(
        self,
        code: str,
        certificate: bytes,
        crl: bytes | None = None,
        *,
        name: str | None = None,
        name_en: str | None = None,
        parent: str = "targets",
        terminating: bool = False,
    ) -> None:
        """Delegate to a region (6 digits) or a ministry (USCC), and name its X.509 authority, in DER."""
        self.keys[code] = PrivateKey.generate()
        self.roles[code] = TufRole(code, parent, terminating, paths_of(code))
        authority = Authority(name or f"地区{code}", name_en or f"Region {code}", certificate, crl)
        self.authorities[self.place(code, COMMON, Usage.AUTHORITY)] = authority

    def add_member(self, code: str, member: Member, domain: str = COMMON) -> None:
        """Enter a body under a region or ministry; `domain` narrows it to one authority's licence types."""
        self.members.setdefault(self.place(code, domain, USAGE_OF[member.role]), []).append(member)

    def set_crl(self, code: str, crl: bytes) -> None:
        """Replace the revocation list of a region or ministry, or (000000) of the nation."""
        place = self.place(code, COMMON, Usage.AUTHORITY)
        held = self.authorities[place]
        self.authorities[place] = Authority(held.name, held.name_en, held.certificate, crl)

    @staticmethod
    def place(code: str, domain: str, usage: Usage) -> Place:
        return Place(code, domain, usage) if len(code) == len(NATION) else Place(NATION, code, usage)

    # What is signed

    def publish(self) -> RegistryFiles:
        """Sign everything, in new versions, and return all current files by plain name."""
        announced = {}
        slices = self._slices()
        for role in reversed(self.roles.values()):
            announced[f"{role.code}.json"] = self._write_targets(role.code, {**slices[role.code], **role.slices})
        announced["targets.json"] = self._write_targets("targets", slices["targets"])
        snapshot = self._write("snapshot", {"meta": announced}, ["snapshot"])
        self._write("timestamp", {"meta": {"snapshot.json": snapshot}}, ["timestamp"])
        return self.files

    def rotate_root_key(self, number: int = 0) -> None:
        """Replace one root key; the new root is signed by the old ones that stay, and by the new one."""
        old = list(self.root_keys)
        name = f"root-{len([key for key in self.keys if key.startswith('root-')])}"
        self.keys[name] = PrivateKey.generate()
        self.root_keys[number] = name
        self.write_root([key for key in old if key in self.root_keys] + [name])

    def rotate_key(self, name: str) -> None:
        """Replace the key of `timestamp`, `snapshot`, `targets` (which takes a new root), a region or a ministry."""
        self.keys[name] = PrivateKey.generate()
        if name in TOP_LEVEL:
            self.write_root(self.root_keys)

    def write_root(self, signers: list[str]) -> None:
        roles = {name: {"keyids": [self.key_id(name)], "threshold": 1} for name in TOP_LEVEL[1:]}
        roles["root"] = {"keyids": [self.key_id(name) for name in self.root_keys], "threshold": ROOT_THRESHOLD}
        keys = [*self.root_keys, *TOP_LEVEL[1:]]
        self._write("root", {"keys": self._keys(keys), "roles": roles, "consistent_snapshot": True}, signers)

    def key_id(self, name: str) -> str:
        return Sm2Signer(self.keys[name]).public_key.keyid

    def _keys(self, names: list[str]) -> dict[str, Any]:
        keys = [Sm2Signer(self.keys[name]).public_key for name in names]
        return {key.keyid: key.to_dict() for key in keys}

    def _slices(self) -> dict[str, dict[str, bytes]]:
        """Return role → target path → bytes."""
        slices: dict[str, dict[str, bytes]] = {name: {} for name in ("targets", *self.roles)}
        for place, authority in self.authorities.items():
            slices[self._signer_of(place)][place.path] = encode_authority(place, authority)
        for place, members in self.members.items():
            slices[self._signer_of(place)][place.path] = encode_members(place, members)
        if self.policy is not None:
            slices["targets"][Place(NATION, COMMON, Usage.POLICY).path] = encode_policy(self.policy)
        return slices

    @staticmethod
    def _signer_of(place: Place) -> str:
        return "targets" if place.owner == NATION else place.owner

    def _write_targets(self, role: str, slices: dict[str, bytes]) -> dict[str, Any]:
        targets = {}
        for path, data in slices.items():
            hashes = target_hashes(data)
            targets[path] = {"length": len(data), "hashes": hashes}
            folder, _, name = path.rpartition("/")
            self.current[path] = f"targets/{folder}/{hashes['sha256']}.{name}"
            self.published[self.current[path]] = data
        children = [one for one in self.roles.values() if one.parent == role]
        content: dict[str, Any] = {"targets": targets}
        if children:
            content["delegations"] = {
                "keys": self._keys([child.code for child in children]),
                "roles": [
                    {
                        "name": child.code,
                        "keyids": [self.key_id(child.code)],
                        "threshold": 1,
                        "terminating": child.terminating,
                        "paths": child.paths,
                    }
                    for child in children
                ],
            }
        return self._write(role, content, [role])

    def _write(self, role: str, content: dict[str, Any], signers: list[str]) -> dict[str, Any]:
        """Sign and publish one metadata file; return how another announces it."""
        self.versions[role] = self.versions.get(role, 0) + 1
        kind = role if role in TOP_LEVEL else "targets"
        signed = {
            "_type": kind,
            "spec_version": "1.0.31",
            "version": self.versions[role],
            "issuedAt": write_time(self.now),
            "expires": write_time(self.now + self.lifetimes.get(role, self.lifetimes["region"])),
            **content,
        }
        for edit in self.edits.get(role, []):
            edit(signed)
        data = self.sign(signed, self.signers.get(role, signers))
        prefix = "" if role == "timestamp" else f"{self.versions[role]}."
        path = f"metadata/{prefix}{role}.json"
        self.published[path] = data
        self.current[f"{prefix}root.json" if role == "root" else f"{role}.json"] = path
        return {
            "version": self.versions[role],
            "length": len(data),
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
        }

    def sign(self, signed: dict[str, Any], signers: list[str]) -> bytes:
        payload = str(encode_canonical(signed)).encode()
        signatures = [Sm2Signer(self.keys[name]).sign(payload).to_dict() for name in signers]
        return json.dumps({"signatures": signatures, "signed": signed}, sort_keys=True).encode()

    # What a window makes of it

    @property
    def files(self) -> dict[str, bytes]:
        """Every current file by plain name, as an export would carry them."""
        return {name: self.published[path] for name, path in self.current.items() if path in self.published}

    def update(self, held: RegistryFiles | None = None, *, now: datetime | None = None) -> RegistryFiles:
        """Bring a window that pinned the first root up to date."""
        steps = refresh(held, self.root, now=now or self.now)
        files: RegistryFiles = answer(steps, lambda wanted: self.published.get(wanted.path))
        return files

    def load(self) -> Registry:
        """Load what was published last."""
        return load_registry(self.files, self.root)
