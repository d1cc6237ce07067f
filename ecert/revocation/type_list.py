"""The licence types of a region as it published them: its signed catalogue (GB/T 36902).

Payload, canonical CBOR, sealed by the region's status key as TYPE_LIST; times are seconds since 1970:

    [region, issued at, sequence, fresh until,
     [[type code, version, state, since, SM3 of the definition, SM3 of the layout, regions, budgets], ...]]

`regions` are those that licences of the type are shared with; a budget is [matter or null, the registry's greatest age
or null, the status's or null], in seconds. Versions stand in order of codes and numbers. Definitions and layouts are
files beside the list, `types/<SM3>.json`, believed when they have the digest listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ecert import cbor, envelope
from ecert.errors import Reason, RejectedError
from ecert.licence.codes import check_region_code, check_type_code
from ecert.licence.types import TypeDefinition
from ecert.licence.validity import to_seconds
from ecert.ofd.layout import Layout, read_layout
from ecert.revocation.opening import (
    MAX_SEQUENCE,
    Fields,
    malformed,
    open_signed,
    read_payload,
    region_value,
    require_later,
    seal,
)
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.sm2 import Signer
    from ecert.trust import Registry

MAX_TYPE_LIST: Final = 4 * 1024 * 1024
"""The longest list in bytes."""
MAX_VERSIONS: Final = 1 << 14
"""The most versions in a list."""
MAX_SHARING: Final = 64
"""The most regions, and the most budgets, of a version."""

_LENGTH: Final = 5
_VERSION_LENGTH: Final = 8
_MAX_VERSION: Final = 65536
_MAX_MATTER: Final = 64
_MAX_AGE: Final = 1 << 32


class ListedState(Enum):
    """The states of a published version. Values are wire codes."""

    PUBLISHED = 0
    DISABLED = 1


@dataclass(frozen=True, slots=True)
class ListedBudget:
    """How old the evidence may be, in seconds: for a matter, or for all where that is None; None sets no limit."""

    matter: str | None
    registry: int | None
    status: int | None


@dataclass(frozen=True, slots=True)
class ListedType:
    """One version of a type.

    Attributes:
        code: 证照类型代码.
        version: Its number.
        state: Whether licences may be issued of it.
        since: From when it has been so, whole seconds, UTC.
        definition: SM3 of its definition file.
        layout: SM3 of its layout file.
        regions: With which regions its licences are shared; 000000 is the whole country.
        budgets: How fresh the evidence must be.
    """

    code: str
    version: int
    state: ListedState
    since: datetime
    definition: bytes
    layout: bytes
    regions: tuple[str, ...] = ()
    budgets: tuple[ListedBudget, ...] = ()

    def open(self, definition: bytes, layout: bytes) -> tuple[TypeDefinition, Layout]:
        """Return what its two files say; hostile bytes.

        Raises:
            RejectedError: TYPE_DIGEST_MISMATCH; they are others than those listed.
            MalformedError: the region published what no program of this version reads.
        """
        if sm3(definition) != self.definition or sm3(layout) != self.layout:
            raise RejectedError(Reason.TYPE_DIGEST_MISMATCH, f"{self.code} version {self.version}")
        found = TypeDefinition.from_json(definition)
        if (found.code, found.version) != (self.code, self.version):
            raise RejectedError(Reason.TYPE_DIGEST_MISMATCH, f"the definition listed for {self.code} is another's")
        return found, read_layout(layout, found)


@dataclass(frozen=True, slots=True)
class TypeList:
    """All versions that a region published, as of one instant.

    Attributes:
        region: The region's code.
        sequence: Grows with every list.
        issued_at: When it was made.
        fresh_until: Until when it may be relied on.
        types: In order of codes and versions.
    """

    region: str
    sequence: int
    issued_at: datetime
    fresh_until: datetime
    types: tuple[ListedType, ...]

    def is_fresh(self, at: datetime) -> bool:
        """Tell whether the list may be relied on at `at`."""
        return at <= self.fresh_until

    def find(self, code: str, version: int) -> ListedType | None:
        """Return a version; None when the region has not published it."""
        return next((one for one in self.types if (one.code, one.version) == (code, version)), None)


def seal_type_list(listing: TypeList, signer: Signer) -> bytes:
    """Seal a list with the region's status key and return its bytes; fractions of a second are dropped.

    Raises:
        MalformedError: STATUS_MALFORMED or TOO_LARGE; no such list can be.
        CustodyError: the key or its engine failed.
    """
    times = to_seconds(listing.issued_at), to_seconds(listing.fresh_until)
    types: list[cbor.Value] = [_value(one) for one in listing.types]
    payload = cbor.encode([region_value(listing.region), times[0], listing.sequence, times[1], types])
    _read(read_payload(payload, _LENGTH))
    return seal(envelope.Kind.TYPE_LIST, payload, signer, limit=MAX_TYPE_LIST)


def load_type_list(data: bytes, registry: Registry, *, now: datetime, held: TypeList | None = None) -> TypeList:
    """Parse and verify a list. Whether it is fresh is asked later, of a time.

    Args:
        data: Hostile bytes.
        registry: Who may sign.
        now: The reader's clock.
        held: The list that this one is to replace.

    Raises:
        EcertError: as `ecert.revocation.seal_list.load_seal_list`.
    """
    kind = envelope.Kind.TYPE_LIST
    listing = _read(open_signed(data, kind, registry, limit=MAX_TYPE_LIST, length=_LENGTH, now=now))
    if held is not None:
        require_later(listing, held)
    return listing


def _value(one: ListedType) -> list[cbor.Value]:
    since = to_seconds(one.since)
    budgets: list[cbor.Value] = [[budget.matter, budget.registry, budget.status] for budget in one.budgets]
    digests = one.definition, one.layout
    return [one.code, one.version, one.state.value, since, *digests, list(one.regions), budgets]


def _read(fields: Fields) -> TypeList:
    types = fields.array(4)
    if len(types) > MAX_VERSIONS:
        raise malformed(f"more than {MAX_VERSIONS} versions")
    listing = TypeList(
        region=fields.region(0),
        issued_at=fields.instant(1),
        sequence=fields.uint(2, MAX_SEQUENCE),
        fresh_until=fields.instant(3),
        types=tuple(_read_version(Fields.of(one, _VERSION_LENGTH)) for one in types),
    )
    places = [(one.code, one.version) for one in listing.types]
    if any(one >= other for one, other in pairwise(places)):
        raise malformed("the versions do not stand in order, each once")
    if listing.fresh_until < listing.issued_at:
        raise malformed("the list was never fresh")
    return listing


def _read_version(fields: Fields) -> ListedType:
    code, version = fields.text(0, 21), fields.uint(1, _MAX_VERSION)
    if check_type_code(code) or not version:
        raise malformed("a version is of a type and has a number")
    return ListedType(
        code,
        version,
        ListedState(fields.uint(2, len(ListedState))),
        fields.instant(3),
        fields.digest(4),
        fields.digest(5),
        _read_regions(_few(fields, 6)),
        tuple(_read_budget(Fields.of(one, 3)) for one in _few(fields, 7)),
    )


def _few(fields: Fields, at: int) -> list[cbor.Value]:
    items = fields.array(at)
    if len(items) > MAX_SHARING:
        raise malformed(f"more than {MAX_SHARING} regions or budgets")
    return items


def _read_regions(items: list[cbor.Value]) -> tuple[str, ...]:
    codes = tuple(Fields(items).text(at, 6) for at in range(len(items)))
    if any(map(check_region_code, codes)):
        raise malformed("a type is shared with what is no region")
    return codes


def _read_budget(fields: Fields) -> ListedBudget:
    matter = None if fields.items[0] is None else fields.text(0, _MAX_MATTER)
    registry, status = (None if fields.items[at] is None else fields.uint(at, _MAX_AGE) for at in (1, 2))
    return ListedBudget(matter, registry, status)
