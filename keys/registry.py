"""The acts on the trust registry: make it, let regions and bodies in, sign, rotate keys, end a right.

What is registered is what is published: an act reads the slices in the folder, changes them, and the role's holder
signs them anew. `publish` then makes everything visible with a new snapshot and timestamp. The public side of the
ceremony directory (certificates, revocation lists, names, types) is taken over at every signing; of a region whose
keys lie elsewhere, nothing is touched.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tuf.api.metadata import DelegatedRole, Delegations, Targets

from ecert.cli.published import REGISTRY
from ecert.errors import CustodyError, EcertError, NotFoundError, Reason
from ecert.trust import Member, Policy, Role, StateChange
from ecert.trust.places import is_role_code
from ecert.trust.policy import encode_policy
from ecert.trust.slices import Authority, encode_authority
from ecert.trust.trusted import NEVER
from keys.members import KINDS, ROLES, Body, Terms, entries_of, followed
from keys.names import NATIONAL_ROOT, KeyName, Kind
from keys.placing import NATIONAL_AUTHORITY, NATIONAL_POLICY, authority_place, pattern, read_members, write_members
from keys.registry_root import first_root, next_root, root_key
from keys.repository import SNAPSHOT, TARGETS, TIMESTAMP, Repository, lists_all, require_free_of_problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ecert.trust import Registry
    from ecert.trust.places import Place
    from keys.ceremony import Ceremony
    from keys.records import Entry
    from keys.registry_keys import RegistryKeys

TARGETS_LIFETIME: Final = timedelta(days=90)
"""How long the national targets, and the role of a region or ministry, are good from their signing."""
SNAPSHOT_LIFETIME: Final = timedelta(days=31)
"""How long a snapshot is good."""
TIMESTAMP_LIFETIME: Final = timedelta(days=7)
"""How long a timestamp is good where nothing else is asked for."""


class RegistryActs:
    """The acts, on one published folder, whose lock the caller holds, by one ceremony directory."""

    def __init__(self, folder: Path, ceremony: Ceremony, keys: RegistryKeys, now: datetime) -> None:
        """Work at `now` (aware; cut to whole seconds)."""
        self._now = now.replace(microsecond=0)
        self.repository = Repository(folder, self._now)
        self._ceremony = ceremony
        self._keys = keys

    # The nation

    def init(self, *, root_keys: int, threshold: int) -> Path:
        """Make the registry: root, targets, snapshot and timestamp keys, and a first publication without regions.

        Returns:
            The first root, which windows pin.

        Raises:
            EcertError: there is one already, there is no national root, or a key or file cannot be made.
        """
        folder = self.repository.folder
        if self.repository.exists:
            raise CustodyError(Reason.KEY_EXISTS, f"{folder} has a registry already")
        if threshold > root_keys:
            raise EcertError(Reason.USAGE, "the threshold is at most the number of root keys")
        slices = self._national_slices(Policy())
        self._keys.make([*map(root_key, range(1, root_keys + 1)), TARGETS, SNAPSHOT, TIMESTAMP])
        with tempfile.TemporaryDirectory(dir=folder, prefix=".init-") as made:
            first = RegistryActs(Path(made), self._ceremony, self._keys, self._now)
            first.repository.write("1.root.json", first_root(first.repository, self._keys, root_keys, threshold))
            first._sign_role(TARGETS, _unsigned(), slices)
            first.publish(TIMESTAMP_LIFETIME)
            (Path(made) / REGISTRY).rename(folder / REGISTRY)
        return folder / REGISTRY / "metadata" / "1.root.json"

    def sign_targets(self, policy: Policy | None) -> bool:
        """Sign the national targets anew where something is due: the root's revocation list, a new policy, age.

        Raises:
            EcertError: the key is not here.
        """
        return self._sign_if_due(TARGETS, self.repository.targets().signed, self._national_slices(policy))

    def _national_slices(self, policy: Policy | None) -> dict[str, bytes]:
        root = self._ceremony.entry(NATIONAL_ROOT)
        slices = {NATIONAL_AUTHORITY.path: self._authority(NATIONAL_AUTHORITY, "国家", "China", root)}
        if policy is not None:
            slices[NATIONAL_POLICY.path] = encode_policy(policy)
        return slices

    # Regions and ministries

    def add_region(self, code: str) -> Path:
        """Let a region or ministry in: its role's key, its first slices, the nation's delegation.

        Returns:
            Its role's key file.

        Raises:
            EcertError: it is in already, it is not in the ceremony, or the national targets key is not here.
        """
        if not is_role_code(code):
            raise EcertError(Reason.USAGE, f"{code} is neither a region's code, below the nation, nor a USCC")
        slices = self._authority_slices(code)
        targets = self.repository.targets().signed
        if code in self.repository.roles():
            raise CustodyError(Reason.KEY_EXISTS, f"{code} is in the registry already")
        self._keys.require(TARGETS, self.repository.role_key(TARGETS))
        status = self._body(Role.STATUS, code)
        members = [] if status is None else entries_of(status, [], None, self._now)
        if not self._keys.has(code):  # it is here when this was cut short before
            self._keys.make([code])
        self._sign_role(code, _unsigned(), slices | write_members(code, members))
        self._delegate(targets, code)
        return self._keys.file(code)

    def _delegate(self, targets: Targets, code: str) -> None:
        if targets.delegations is None or targets.delegations.roles is None:
            targets.delegations = Delegations(keys={}, roles={})
        assert targets.delegations.roles is not None  # noqa: S101  (the line above)
        targets.delegations.roles[code] = DelegatedRole(code, [], 1, terminating=False, paths=[pattern(code)])
        targets.add_key(self._keys.open(code).public_key, code)
        self._sign_role(TARGETS, targets)

    def sign_region(self, code: str) -> bool:
        """Sign a region's or ministry's role anew with what the ceremony knows now; tell whether anything was due.

        Raises:
            EcertError: the ceremony does not know it, or its key is not here.
        """
        signed = self._role(code)
        members: list[Member] = []
        for held in _by_body(read_members(self.repository, signed)):
            body = self._body(held[0].role, held[0].code)
            members += held if body is None else entries_of(body, held, None, self._now)
        slices = self._authority_slices(code) | write_members(code, members, signed.targets)
        return self._sign_if_due(code, signed, slices)

    def add_member(self, name: KeyName, terms: Terms) -> str:
        """Register a body of the ceremony with its region, or change the terms of its registration.

        Returns:
            The region's code.

        Raises:
            EcertError: it is not in the ceremony, or its region not in the registry, or the region's key not here.
        """
        role = ROLES[name.kind]
        code = self._ceremony.issuer_of(name).code
        body = self._body(role, name.code)
        if body is None:
            raise NotFoundError(Reason.KEY_NOT_FOUND, f"{name} is not in the ceremony directory")
        signed = self._role(code)
        held, others = _parted(read_members(self.repository, signed), role, name.code)
        self._sign_members(code, signed, [*others, *entries_of(body, held, terms, self._now)])
        return code

    def change_state(self, code: str, role: Role, uscc: str, change: StateChange) -> None:
        """Suspend, end or revive the registration of a body as of an instant: what it sealed before stays valid.

        Args:
            code: The region or ministry that vouches for it.
            role: What it is registered as.
            uscc: The body.
            change: The new state, since when, and why.

        Raises:
            NotFoundError: it is not registered there.
            EcertError: the region's key is not here, or the instant lies before an earlier change.
        """
        signed = self._role(code)
        held, others = _parted(read_members(self.repository, signed), role, uscc)
        if not held:
            raise NotFoundError(Reason.ISSUER_UNKNOWN, f"{uscc} is not registered with {code} as {role}")
        changed = [replace(member, history=followed(member.history, change)) for member in held]
        self._sign_members(code, signed, [*others, *changed])

    def _sign_members(self, code: str, signed: Targets, members: list[Member]) -> None:
        self._keys.require(code, self.repository.role_key(code))
        self._sign_role(code, signed, write_members(code, members, signed.targets))

    def _role(self, code: str) -> Targets:
        held = self.repository.role(code)
        if held is None:
            raise NotFoundError(Reason.REGISTRY_MISSING, f"{code} is not in the registry: run registry add-region")
        return held.signed

    # Keys

    def rotate(self, role: str) -> None:
        """Replace the key of a role: a region's; or `targets`, `snapshot`, `timestamp`, which takes a new root.

        Raises:
            EcertError: there is no such role, or a key that has to sign is not here.
        """
        if role in (TARGETS, SNAPSHOT, TIMESTAMP):
            self._rotate_under_root(role)
            return
        held, key = self.repository.role(role), self.repository.role_key(role)
        targets = self.repository.targets().signed
        self._keys.require(TARGETS, self.repository.role_key(TARGETS))
        self._keys.replace(role, key)
        if held is not None:
            self._sign_role(role, held.signed)
        targets.revoke_key(key.keyid, role)
        targets.add_key(self._keys.open(role).public_key, role)
        self._sign_role(TARGETS, targets)

    def _rotate_under_root(self, role: str) -> None:
        """Replace a key that the root names, so that windows verify what is published at every moment.

        It is published once under both keys, which verifies by the root held and by the next, and then the next root
        is put out. Where the old key is lost the root has to go first, and windows wait for the moment between.
        """
        for other in {TIMESTAMP, TIMESTAMP if role == TIMESTAMP else SNAPSHOT} - {role}:
            self._keys.require(other, self.repository.role_key(other))
        targets = self.repository.targets().signed
        name, root = next_root(self.repository, self._keys, replaced=role)
        if not self._keys.is_retiring(role):
            self.repository.write(name, root)
        if role == TARGETS:
            self._sign_role(TARGETS, targets)
        self.publish(TIMESTAMP_LIFETIME, new_snapshot=role != TIMESTAMP)
        if self._keys.is_retiring(role):
            self._write_root(name, root)

    def rotate_root(self, number: int | None) -> Path:
        """Sign the next root, with root key `number` replaced, or only for another year.

        Raises:
            EcertError: too few root keys are here, or windows would not take the root.
        """
        replaced = None if number is None else root_key(number)
        return self._write_root(*next_root(self.repository, self._keys, replaced=replaced))

    def _write_root(self, name: str, root: bytes) -> Path:
        self.repository.check({name: root}, now=NEVER)
        return self.repository.write(name, root)

    # Publishing

    def publish(self, lifetime: timedelta, *, new_snapshot: bool = True) -> Registry:
        """Make what was signed visible: a new snapshot where its key is wanted, and a new timestamp.

        Args:
            lifetime: How long the timestamp is good.
            new_snapshot: False: the newest snapshot is only named again, for which the timestamp key is enough.

        Returns:
            The registry as windows will load it.

        Raises:
            CustodyError: a key is not here; or what would be published does not verify, and was not published.
        """
        held = self.repository.snapshot()
        if new_snapshot or held is None:
            self._keys.require(SNAPSHOT, self.repository.role_key(SNAPSHOT))
            snapshot = self.repository.next_snapshot()
            data = self.repository.sign(snapshot, SNAPSHOT_LIFETIME, self._keys.signers(SNAPSHOT))
        else:
            snapshot, data = held, self.repository.read(f"{held.version}.snapshot.json")
        self._keys.require(TIMESTAMP, self.repository.role_key(TIMESTAMP))
        timestamp = self.repository.next_timestamp(data, snapshot.version)
        signed = self.repository.sign(timestamp, lifetime, self._keys.signers(TIMESTAMP))
        pending = {f"{snapshot.version}.snapshot.json": data, "timestamp.json": signed}
        registry = self.repository.check(pending, now=self._now)
        require_free_of_problems(registry, filter(self._keys.has, self.repository.roles()))
        for name, content in pending.items():
            self.repository.write(name, content)
        return registry

    def _sign_if_due(self, role: str, signed: Targets, slices: Mapping[str, bytes]) -> bool:
        if lists_all(signed, slices) and signed.expires - self._now >= TARGETS_LIFETIME / 2:
            return False
        self._keys.require(role, self.repository.role_key(role))
        self._sign_role(role, signed, slices)
        return True

    def _sign_role(self, role: str, signed: Targets, slices: Mapping[str, bytes] | None = None) -> None:
        """Sign the next version of a targets role, with these slices put into it."""
        self.repository.set_slices(signed, slices or {})
        signed.version += 1
        data = self.repository.sign(signed, TARGETS_LIFETIME, self._keys.signers(role))
        self.repository.write(f"{signed.version}.{role}.json", data)

    # What the ceremony knows

    @cached_property
    def _entries(self) -> dict[KeyName, list[Entry]]:
        """Everybody's certificates, the one in use and those it replaced, by the name without a serial number."""
        entries: dict[KeyName, list[Entry]] = {}
        for entry in self._ceremony.entries():
            entries.setdefault(entry.name.current, []).append(entry)
        return entries

    def _body(self, role: Role, code: str) -> Body | None:
        """Return what the ceremony knows of a body; None where it lies in another's directory."""
        entries = self._entries.get(KeyName(KINDS[role], code), [])
        facts = self._ceremony.entry(KeyName(Kind.REGION, code)).facts if role is Role.STATUS and entries else None
        facts = facts or (entries[0].facts if entries else None)
        return None if facts is None else Body(role, code, facts, tuple(entry.certificate for entry in entries))

    def _authority_slices(self, code: str) -> dict[str, bytes]:
        region = self._ceremony.entry(KeyName(Kind.REGION, code))
        if region.facts is None:
            raise CustodyError(Reason.KEY_NOT_FOUND, f"the facts of {region.name} are missing")
        place = authority_place(code)
        return {place.path: self._authority(place, region.facts.name, region.facts.name_en, region)}

    def _authority(self, place: Place, name: str, name_en: str, entry: Entry) -> bytes:
        crl = entry.crl
        if crl is not None and (crl.next_update is None or crl.next_update <= self._now):
            raise CustodyError(
                Reason.CRL_STALE, f"the revocation list of {entry.name} has expired: run sign-crl {entry.name}"
            )
        return encode_authority(place, Authority(name, name_en, entry.certificate.der, crl.der if crl else None))


def _unsigned() -> Targets:
    """Return targets metadata whose first version is still to be signed."""
    targets = Targets()
    targets.version = 0
    return targets


def _parted(members: list[Member], role: Role, code: str) -> tuple[list[Member], list[Member]]:
    """Return a body's entries, and all others."""
    own = [member for member in members if (member.role, member.code) == (role, code)]
    return own, [member for member in members if member not in own]


def _by_body(members: list[Member]) -> list[list[Member]]:
    bodies: dict[tuple[Role, str], list[Member]] = {}
    for member in members:
        bodies.setdefault((member.role, member.code), []).append(member)
    return list(bodies.values())
