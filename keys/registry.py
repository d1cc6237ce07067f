"""The acts on the trust registry: make it, let regions and bodies in, sign, rotate keys, end a right.

What is registered is what is published: an act reads the slices in the folder, changes them, and the role's holder
signs them anew. `publish` then makes everything visible with a new snapshot and timestamp. The public side of the
ceremony directory (certificates, revocation lists, names, types) is taken over at every signing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tuf.api.metadata import DelegatedRole, Delegations, Targets

from ecert.errors import CustodyError, EcertError, NotFoundError, Reason
from ecert.licence.codes import area_prefix
from ecert.trust import EntryState, Member, StateChange
from ecert.trust.places import COMMON, NATION, Place, Usage
from ecert.trust.policy import Policy, encode_policy
from ecert.trust.slices import USAGE_OF, Authority, encode_authority, encode_members, parse_members
from keys.facts import CREDIT_CODE_LENGTH
from keys.members import members_of, renewed, status_signer
from keys.names import NATIONAL_ROOT, KeyName, Kind
from keys.registry_root import first_root, next_root
from keys.repository import SNAPSHOT, TARGETS, TIMESTAMP, Repository, require_free_of_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from ecert.trust import Registry
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
    """The acts, on one published folder by one ceremony directory."""

    def __init__(self, folder: Path, ceremony: Ceremony, keys: RegistryKeys, now: datetime) -> None:
        """Work at `now` (aware; cut to whole seconds)."""
        self._now = now.replace(microsecond=0)
        self.repository = Repository(folder, self._now)
        self._ceremony = ceremony
        self._keys = keys

    def init(self, *, root_keys: int, threshold: int) -> Path:
        """Make the registry: root, targets, snapshot and timestamp keys, and a first, empty publication.

        Returns:
            The first root, which windows pin.

        Raises:
            EcertError: there is one already, there is no national root, or a key or file cannot be made.
        """
        if self.repository.exists:
            raise CustodyError(Reason.KEY_EXISTS, f"{self.repository.folder} has a registry already")
        if not 1 <= threshold <= root_keys:
            raise EcertError(Reason.USAGE, "the threshold lies between 1 and the number of root keys")
        slices = self._national_slices(Policy())
        self._keys.make([*(f"root-{n}" for n in range(1, root_keys + 1)), TARGETS, SNAPSHOT, TIMESTAMP])
        pinned = first_root(self.repository, self._keys, number=root_keys, threshold=threshold)
        targets = Targets()
        self.repository.set_slices(targets, slices)
        self._write_role(TARGETS, targets)
        self.publish(TIMESTAMP_LIFETIME)
        return pinned

    def _national_slices(self, policy: Policy | None) -> dict[str, bytes]:
        root = self._ceremony.entry(NATIONAL_ROOT)
        place = Place(NATION, COMMON, Usage.AUTHORITY)
        slices = {place.path: self._authority_slice(place, "国家", "China", root)}
        if policy is not None:
            slices[Place(NATION, COMMON, Usage.POLICY).path] = encode_policy(policy)
        return slices

    def add_region(self, code: str) -> tuple[Path, ...]:
        """Let a region or ministry in: its role's key, the nation's delegation, its first slices.

        Returns:
            The key file that was made.

        Raises:
            EcertError: it is in already, it is not in the ceremony, or the national targets key is not here.
        """
        region = self._ceremony.entry(KeyName(Kind.REGION, code))
        targets = self.repository.targets()
        if code in self.repository.roles():
            raise CustodyError(Reason.KEY_EXISTS, f"{code} is in the registry already")
        self._keys.require(TARGETS, self.repository.role_key(TARGETS))
        slices = self._authority_slices(code, region)
        signer = status_signer(code, region, self._certificates(KeyName(Kind.STATUS, code)))
        files = self._keys.make([code])
        role = Targets()
        self.repository.set_slices(role, slices)
        self._write_members(code, role, lambda _: [signer])
        self._delegate(targets.signed, code)
        return files

    def _delegate(self, targets: Targets, code: str) -> None:
        if targets.delegations is None:
            targets.delegations = Delegations(keys={}, roles={})
        if targets.delegations.roles is not None:
            targets.delegations.roles[code] = DelegatedRole(code, [], 1, terminating=False, paths=[_pattern(code)])
        targets.add_key(self._keys.open(code).public_key, code)
        self._resign(TARGETS, targets)

    def add_member(self, name: KeyName, *, shared_with: tuple[str, ...], endpoints: Mapping[str, str]) -> str:
        """Register a body of the ceremony with its region: a department once for each domain of its types.

        What was registered of it before is replaced but for its history.

        Returns:
            The region's code.

        Raises:
            EcertError: it is not in the ceremony, or its region not in the registry, or the region's key not here.
        """
        entry = self._ceremony.entry(name)
        code = self._ceremony.issuer_of(name).code
        made = members_of(entry, self._certificates(name), shared_with=shared_with, endpoints=endpoints)

        def with_it(held: list[Member]) -> list[Member]:
            known = [one.history for one in held if _is(one, made[0])]
            others = [one for one in held if not _is(one, made[0])]
            return [*others, *(replace(one, history=known[0]) if known else one for one in made)]

        self._edit_members(code, with_it)
        return code

    def change_state(self, code: str, uscc: str, change: StateChange) -> None:
        """Suspend, end or revive the registration of a body as of an instant: what it sealed before stays valid.

        Args:
            code: The region or ministry that vouches for it.
            uscc: The body.
            change: The new state, since when, and why.

        Raises:
            NotFoundError: it is not registered there.
            EcertError: the region's key is not here, or the instant lies before an earlier change.
        """
        found = False

        def changed(held: list[Member]) -> list[Member]:
            nonlocal found
            out = []
            for member in held:
                if member.code == uscc:
                    found = True
                    member = replace(member, history=_followed(member.history, change))  # noqa: PLW2901
                out.append(member)
            return out

        self._edit_members(code, changed)
        if not found:
            raise NotFoundError(Reason.ISSUER_UNKNOWN, f"{uscc} is not registered with {code}")

    def _edit_members(self, code: str, edit: Callable[[list[Member]], list[Member]]) -> None:
        held = self.repository.role(code)
        if held is None:
            raise NotFoundError(Reason.REGISTRY_MISSING, f"{code} is not in the registry: run registry add-region")
        self._keys.require(code, self.repository.role_key(code))
        signed = held.signed
        signed.version += 1
        self._write_members(code, signed, edit)

    def sign_region(self, code: str) -> bool:
        """Sign a region's or ministry's role anew with what the ceremony knows now; tell whether anything was due.

        Raises:
            EcertError: the ceremony does not know it, or its key is not here.
        """
        held = self.repository.role(code)
        if held is None:
            raise NotFoundError(Reason.REGISTRY_MISSING, f"{code} is not in the registry: run registry add-region")
        signed = held.signed
        region = self._ceremony.entry(KeyName(Kind.REGION, code))
        slices = self._authority_slices(code, region) | self._member_slices(signed, self._renew)
        changed = self.repository.set_slices(signed, slices)
        if changed or signed.expires - self._now < TARGETS_LIFETIME / 2:
            self._keys.require(code, self.repository.role_key(code))
            signed.version += 1
            self._write_role(code, signed)
            return True
        return False

    def sign_targets(self, policy: Policy | None) -> bool:
        """Sign the national targets anew where something is due: the root's revocation list, a new policy, age.

        Raises:
            EcertError: the key is not here.
        """
        signed = self.repository.targets().signed
        changed = self.repository.set_slices(signed, self._national_slices(policy))
        if changed or signed.expires - self._now < TARGETS_LIFETIME / 2:
            self._keys.require(TARGETS, self.repository.role_key(TARGETS))
            signed.version += 1
            self._write_role(TARGETS, signed)
            return True
        return False

    def rotate(self, role: str) -> None:
        """Replace the key of a role: a region's; or `targets`, `snapshot`, `timestamp`, which takes a new root.

        With a new root, everything that windows verify by it is published at once.

        Raises:
            EcertError: there is no such role, or a key that has to sign is not here.
        """
        targets = self.repository.targets().signed
        if role in (TARGETS, SNAPSHOT, TIMESTAMP):
            for name in {SNAPSHOT, TIMESTAMP} - {role}:
                self._keys.require(name, self.repository.role_key(name))
            next_root(self.repository, self._keys, replaced=role)
            if role == TARGETS:
                self._resign(TARGETS, targets)
            self.publish(TIMESTAMP_LIFETIME)
            return
        held = self.repository.role(role)
        old = self.repository.role_key(role)
        self._keys.require(TARGETS, self.repository.role_key(TARGETS))
        self._keys.replace(role, old)
        targets.revoke_key(old.keyid, role)
        targets.add_key(self._keys.open(role).public_key, role)
        self._resign(TARGETS, targets)
        if held is not None:
            self._resign(role, held.signed)

    def rotate_root(self, number: int | None) -> Path:
        """Sign the next root, with root key `number` replaced, or only for another year.

        Raises:
            EcertError: too few root keys are here.
        """
        return next_root(self.repository, self._keys, replaced=None if number is None else f"root-{number}")

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
            data = self.repository.sign(snapshot, SNAPSHOT_LIFETIME, self._keys.open(SNAPSHOT))
        else:
            snapshot, data = held, self.repository.read(f"{held.version}.snapshot.json")
        self._keys.require(TIMESTAMP, self.repository.role_key(TIMESTAMP))
        timestamp = self.repository.next_timestamp(data, snapshot.version)
        signed = self.repository.sign(timestamp, lifetime, self._keys.open(TIMESTAMP))
        registry = self.repository.check(data, signed)
        require_free_of_problems(registry, filter(self._keys.has, self.repository.roles()))
        self.repository.write(f"{snapshot.version}.snapshot.json", data)
        self.repository.write("timestamp.json", signed)
        return registry

    # Slices

    def _authority_slices(self, code: str, region: Entry) -> dict[str, bytes]:
        place = _place(code, COMMON, Usage.AUTHORITY)
        names = region.facts
        if names is None:
            raise CustodyError(Reason.KEY_NOT_FOUND, f"the facts of {region.name} are missing")
        return {place.path: self._authority_slice(place, names.name, names.name_en, region)}

    def _authority_slice(self, place: Place, name: str, name_en: str, entry: Entry) -> bytes:
        crl = entry.crl
        if crl is not None and (crl.next_update is None or crl.next_update <= self._now):
            raise CustodyError(
                Reason.CRL_STALE, f"the revocation list of {entry.name} has expired: run sign-crl {entry.name}"
            )
        return encode_authority(place, Authority(name, name_en, entry.certificate.der, crl.der if crl else None))

    def _write_members(self, code: str, signed: Targets, edit: Callable[[list[Member]], list[Member]]) -> None:
        """Change all of a role's entries at once and sign it; entries keep to the slices they belong to."""
        everybody = [member for path in signed.targets for member in self._members(signed, path)]
        changed = edit(everybody)
        slices = {path: encode_members(place, ()) for path in signed.targets if (place := _of_members(path))}
        placed: dict[Place, list[Member]] = {}
        for member in changed:
            placed.setdefault(_place_of(code, member), []).append(member)
        slices |= {place.path: encode_members(place, members) for place, members in placed.items()}
        self.repository.set_slices(signed, slices)
        self._write_role(code, signed)

    def _member_slices(self, signed: Targets, edit: Callable[[Member], Member]) -> dict[str, bytes]:
        slices = {}
        for path in signed.targets:
            place = _of_members(path)
            if place is not None:
                slices[path] = encode_members(place, [edit(one) for one in self._members(signed, path)])
        return slices

    def _members(self, signed: Targets, path: str) -> tuple[Member, ...]:
        place = _of_members(path)
        data = self.repository.slice(signed, path) if place else None
        return () if place is None or data is None else parse_members(place, data)

    def _renew(self, member: Member) -> Member:
        return renewed(member, self._ceremony, self._certificates, self._now)

    def _certificates(self, name: KeyName) -> tuple[bytes, ...]:
        """Return the certificate in use and those it replaced."""
        return tuple(one.certificate.der for one in self._ceremony.entries() if one.name.current == name)

    def _resign(self, role: str, signed: Targets) -> None:
        signed.version += 1
        self._write_role(role, signed)

    def _write_role(self, role: str, signed: Targets) -> None:
        data = self.repository.sign(signed, TARGETS_LIFETIME, self._keys.open(role))
        self.repository.write(f"{signed.version}.{role}.json", data)


def _place(code: str, domain: str, usage: Usage) -> Place:
    """Return where a slice of a region, or of a ministry, stands."""
    return Place(code, domain, usage) if len(code) == len(NATION) else Place(NATION, code, usage)


def _of_members(path: str) -> Place | None:
    place = Place.parse(path)
    return None if place is None or place.usage in (Usage.AUTHORITY, Usage.POLICY) else place


def _place_of(code: str, member: Member) -> Place:
    domain = member.grants[0].type_code[:CREDIT_CODE_LENGTH] if member.grants else COMMON
    return _place(code, domain, USAGE_OF[member.role])


def _pattern(code: str) -> str:
    """Return the target paths that a region's or ministry's role is trusted for."""
    if len(code) != len(NATION):
        return f"registry/{NATION}/{code}/*.json"
    return f"registry/{area_prefix(code).ljust(6, '?')}/*/*.json"


def _is(one: Member, other: Member) -> bool:
    return (one.code, one.role) == (other.code, other.role)


def _followed(history: tuple[StateChange, ...], change: StateChange) -> tuple[StateChange, ...]:
    if history and change.since <= history[-1].since:
        raise EcertError(
            Reason.USAGE, f"its registration changed at {history[-1].since:%F %T}Z already: name a later instant"
        )
    if history and history[-1].state is EntryState.ENDED:
        raise EcertError(Reason.USAGE, "its registration has ended for good: register it anew with add-issuer")
    return (*history, change)
