"""Offline bundles: what a window holds, as one file, to be carried to a window without a network.

    canonical CBOR {"format": 1, "registry": {name: bytes}, "status": {region: [snapshot, delta, ...]},
                    "pages": [bytes, ...], "seals": {region: bytes}, "floors": {region: seconds since 1970}}

A bundle is no more trusted than its parts: everything in it is verified again at each load. The root is not in it;
whoever can replace the pinned root can replace the program. Floors count in a window's own bundle, in no other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import cbor
from ecert.errors import MalformedError, Reason
from ecert.licence.validity import MAX_SECONDS, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from ecert.trust.metadata import RegistryFiles

MAX_BUNDLE: Final = 1024 * 1024 * 1024
"""The longest offline bundle in bytes."""

_FORMAT: Final = 1
_MEMBERS: Final = frozenset({"format", "registry", "status", "pages", "seals", "floors"})
_MAX_ITEMS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class BundleContent:
    """The parts of an offline bundle, none of them verified.

    Attributes:
        registry: Name → file of the trust registry.
        status: Region → its snapshot, and the deltas that follow it.
        pages: Details.
        seals: Region → the status of its seals.
        floors: Region → issue time; nothing older is to be taken.
    """

    registry: RegistryFiles
    status: Mapping[str, Sequence[bytes]]
    pages: Sequence[bytes]
    seals: Mapping[str, bytes]
    floors: Mapping[str, datetime]


def encode_bundle(content: BundleContent) -> bytes:
    """Write a bundle."""
    registry: dict[int | str, cbor.Value] = dict(content.registry.items())
    status: dict[int | str, cbor.Value] = {region: [*parts] for region, parts in content.status.items()}
    seals: dict[int | str, cbor.Value] = dict(content.seals.items())
    floors: dict[int | str, cbor.Value] = {region: to_seconds(at) for region, at in content.floors.items()}
    return cbor.encode(
        {
            "format": _FORMAT,
            "registry": registry,
            "status": status,
            "pages": [*content.pages],
            "seals": seals,
            "floors": floors,
        }
    )


def decode_bundle(data: bytes) -> BundleContent:
    """Read a bundle's parts from hostile bytes.

    Raises:
        MalformedError: longer than 1 GiB, or not a bundle.
    """
    content = cbor.decode(data, limit=MAX_BUNDLE, reason=Reason.DATA_MALFORMED, items=_MAX_ITEMS)
    if not isinstance(content, dict) or content.keys() != _MEMBERS or content["format"] != _FORMAT:
        raise MalformedError(Reason.DATA_MALFORMED, "not an offline bundle of this format")
    return BundleContent(
        {name: _bytes(part) for name, part in _members(content["registry"])},
        {region: _list_of_bytes(parts) for region, parts in _members(content["status"])},
        _list_of_bytes(content["pages"]),
        {region: _bytes(part) for region, part in _members(content["seals"])},
        {region: _instant(seconds) for region, seconds in _members(content["floors"])},
    )


def _members(value: cbor.Value) -> Iterable[tuple[str, cbor.Value]]:
    if not isinstance(value, dict):
        raise MalformedError(Reason.DATA_MALFORMED, "a part of the bundle is not a map")
    return ((str(name), member) for name, member in value.items())


def _instant(value: cbor.Value) -> datetime:
    if not isinstance(value, int) or not 0 <= value <= MAX_SECONDS:
        raise MalformedError(Reason.DATA_MALFORMED, "a part of the bundle is not a time")
    return from_seconds(value)


def _bytes(value: cbor.Value) -> bytes:
    if not isinstance(value, bytes):
        raise MalformedError(Reason.DATA_MALFORMED, "a part of the bundle is not bytes")
    return value


def _list_of_bytes(value: cbor.Value) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise MalformedError(Reason.DATA_MALFORMED, "a part of the bundle is not a list")
    return tuple(map(_bytes, value))
