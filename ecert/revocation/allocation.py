"""The order in which a list's indices are given out, so that an index tells nothing of when or how many."""

from __future__ import annotations

from typing import Final

from ecert.licence.reference import StatusRef
from ecert.sm2 import hmac_sm3

_HALF_BITS: Final = 10
_HALF_MASK: Final = (1 << _HALF_BITS) - 1
_ROUNDS: Final = 6


def spread(position: int, secret: bytes) -> StatusRef:
    """Return the status reference of the `position`-th licence of a key.

    Lists fill one after the other, each in a pseudorandom order of its own: a Feistel network over the 20
    bits of an index, with HMAC-SM3 as its round function, is a permutation whatever the secret is.

    Args:
        position: 0..2^32-1, counted for each issuing key.
        secret: 32 random bytes that belong to the key's lists and stay with the ledger.
    """
    number, index = divmod(position, StatusRef.CAPACITY)
    left, right = index >> _HALF_BITS, index & _HALF_MASK
    for turn in range(_ROUNDS):
        seed = bytes((turn,)) + number.to_bytes(4, "big") + right.to_bytes(2, "big")
        left, right = right, left ^ int.from_bytes(hmac_sm3(secret, seed)[:2], "big") & _HALF_MASK
    return StatusRef(number, left << _HALF_BITS | right)
