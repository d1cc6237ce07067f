"""An append-only Merkle tree with SM3, in the shape of RFC 9162, section 2.1 (and RFC 6962).

A leaf is SM3(00 ‖ data), a node SM3(01 ‖ left ‖ right), the root of nothing SM3 of nothing. A tree that is not a
power of two splits at the largest power of two below its size.

Nodes lie in a store by (level, index): level 0 are the leaves, and node (level, index) stands over the leaves
index · 2^level up to the next. Only complete nodes are stored, about two for each leaf, and none ever changes;
appending, the root and every proof touch a few dozen of them, however large the tree is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final, Protocol

from ecert.errors import Reason, RejectedError
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY_ROOT: Final = sm3(b"")
"""The root of a tree without leaves, 32 bytes."""


class NodeStore(Protocol):
    """Where complete nodes lie. A node is put once; putting it again brings the same 32 bytes."""

    def get(self, level: int, index: int, /) -> bytes:
        """Return a node that was put; no other is ever asked for."""

    def put(self, level: int, index: int, node: bytes, /) -> None:
        """Keep a node."""


def hash_leaf(data: bytes) -> bytes:
    """Return the leaf over `data`, 32 bytes."""
    return sm3(b"\x00" + data)


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the node over two nodes, 32 bytes."""
    return sm3(b"\x01" + left + right)


@dataclass(slots=True)
class IssuedTree:
    """A tree whose nodes lie in `store`; a publisher appends, and proves to those who hold a root.

    Attributes:
        store: Where the nodes lie.
        size: How many leaves there are; whoever keeps the store keeps this too.
    """

    store: NodeStore
    size: int = 0

    def append(self, leaf: bytes) -> int:
        """Append a leaf, 32 bytes, and return its index. Repeated after a crash, it writes the same nodes again."""
        index, level, node = self.size, 0, leaf
        self.store.put(level, index, node)
        while index & 1:
            node = hash_node(self.store.get(level, index - 1), node)
            level, index = level + 1, index >> 1
            self.store.put(level, index, node)
        self.size += 1
        return self.size - 1

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` leaves, of those that there are."""
        return self._over(0, size) if size else EMPTY_ROOT

    def prove(self, index: int, size: int) -> tuple[bytes, ...]:
        """Prove that leaf `index` is among the first `size` (RFC 9162, 2.1.3.1): siblings, lowest first.

        Args:
            index: 0..size-1.
            size: At most the size of the tree.
        """
        start, end, path = 0, size, []
        while end - start > 1:
            split = start + _largest_power_below(end - start)
            if index < split:
                path.append(self._over(split, end))
                end = split
            else:
                path.append(self._over(start, split))
                start = split
        return tuple(reversed(path))

    def prove_consistency(self, older: int, newer: int) -> tuple[bytes, ...]:
        """Prove that the first `newer` leaves begin with the first `older` (RFC 9162, 2.1.4.1).

        Args:
            older: 0..newer. Nothing needs to be shown when it is one of these two.
            newer: At most the size of the tree.
        """
        if older in (0, newer):
            return ()
        start, end, path = 0, newer, []
        while end != older:
            split = start + _largest_power_below(end - start)
            if older <= split:
                path.append(self._over(split, end))
                end = split
            else:
                path.append(self._over(start, split))
                start = split
        if start:  # otherwise this subtree is the older tree, whose root the verifier holds
            path.append(self._over(start, end))
        return tuple(reversed(path))

    def _over(self, start: int, end: int) -> bytes:
        """Return the hash over leaves start..end-1, where no larger power of two than end - start divides it up."""
        peaks, at = [], start
        while at < end:
            level = (end - at).bit_length() - 1
            peaks.append(self.store.get(level, at >> level))
            at += 1 << level
        return reduce(lambda right, left: hash_node(left, right), reversed(peaks))


def _largest_power_below(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def root_from(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that a leaf and its siblings lead to (RFC 9162, 2.1.3.2).

    Raises:
        RejectedError: EVIDENCE_BAD; no tree of this size has such an index, or a proof of this length for it.
    """
    if not 0 <= index < size:
        raise _bad(f"leaf {index} lies outside a tree of {size}")
    node, last = leaf, size - 1
    for sibling in path:
        if not last:
            raise _bad("the proof has too many hashes")
        if index & 1 or index == last:
            node = hash_node(sibling, node)
            index, last = _to_a_right_child(index, last)
        else:
            node = hash_node(node, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise _bad("the proof has too few hashes")
    return node


def check_consistency(older: tuple[int, bytes], newer: tuple[int, bytes], path: Sequence[bytes]) -> None:
    """Check that a tree only grew (RFC 9162, 2.1.4.2).

    Args:
        older: Size and root before.
        newer: Size and root after.
        path: What `IssuedTree.prove_consistency` returned for the two sizes.

    Raises:
        RejectedError: EVIDENCE_BAD; the tree shrank or was changed, or the proof is not one for these sizes.
    """
    if older[0] > newer[0]:
        raise _bad(f"the tree shrank from {older[0]} to {newer[0]} leaves")
    if _both_roots(older, newer, path) != (older[1], newer[1]):
        raise _bad(f"the tree of {newer[0]} leaves does not begin with the {older[0]} there were")


def _both_roots(older: tuple[int, bytes], newer: tuple[int, bytes], path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the older and the newer root that the proof leads to."""
    if older[0] in (0, newer[0]):
        if path:
            raise _bad("the proof has too many hashes")
        return (older[1], older[1]) if older[0] == newer[0] else (EMPTY_ROOT, newer[1])
    index, last = _to_a_left_child(older[0] - 1, newer[0] - 1)
    hashes = iter(path if index else (older[1], *path))
    before = after = next(hashes, b"")
    for sibling in hashes:
        if not last:
            raise _bad("the proof has too many hashes")
        if index & 1 or index == last:
            before, after = hash_node(sibling, before), hash_node(sibling, after)
            index, last = _to_a_right_child(index, last)
        else:
            after = hash_node(after, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise _bad("the proof has too few hashes")
    return before, after


def _to_a_left_child(index: int, last: int) -> tuple[int, int]:
    """Climb until `index` is a left child."""
    while index & 1:
        index, last = index >> 1, last >> 1
    return index, last


def _to_a_right_child(index: int, last: int) -> tuple[int, int]:
    """Climb until `index` is a right child, or the root: an only child has no sibling in the proof."""
    while index and not index & 1:
        index, last = index >> 1, last >> 1
    return index, last


def _bad(what: str) -> RejectedError:
    return RejectedError(Reason.EVIDENCE_BAD, what)
