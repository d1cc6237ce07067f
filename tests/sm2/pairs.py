"""Signatures good and bad in great number, made cheaply and honestly: real keys, real digests, nonces that count up.

A nonce that counts up costs one addition of points where a random one costs a whole multiplication, so that a hundred
thousand signatures take seconds in Python. To whoever verifies, these signatures are like any others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecert.sm2 import PrivateKey, PublicKey, curve, encode_raw, libcrypto
from ecert.sm2.curve import G, N, P
from ecert.sm2.encoding import decode_private_key_info
from ecert.sm2.kernel import _verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.sm2.kernel import Compiled

DAMAGES = 6


@dataclass(frozen=True, slots=True)
class Pair:
    """A signature over a message, said to be a key's."""

    key: PublicKey
    message: bytes
    r: int
    s: int
    fits: bool

    @property
    def raw(self) -> bytes:
        return encode_raw(self.r, self.s)

    def __str__(self) -> str:
        said = "fits" if self.fits else "does not fit"
        return f"{self.key.point.hex()} {self.raw.hex()} {self.message.hex() or '-'}: made so that it {said}"

    @property
    def digest(self) -> bytes:
        return self.key.message_digest(self.message)


def nonces(seed: random.Random, count: int) -> Iterator[tuple[int, int]]:
    """Yield (k, x(k·G)) for `count` neighbouring k from a random start."""
    k = seed.randrange(1, N - count)
    point = curve._accumulate(curve._INFINITY, curve._base_table(G), k)
    points = [point]
    for _ in range(count - 1):
        points.append(curve._add_affine(points[-1], G))
    for turn, (x, _) in enumerate(curve._to_affine(points)):
        yield k + turn, x % P


def pairs(count: int, seed: int, keys: int = 8) -> Iterator[Pair]:
    """Yield `count` pairs, half of them damaged, each in one of several ways."""
    chance = random.Random(seed)  # noqa: S311  (test data that a seed makes again)
    signers = [PrivateKey.generate() for _ in range(keys)]
    scalars = [int.from_bytes(decode_private_key_info(key.to_pkcs8())[0], "big") for key in signers]
    inverses = [pow(1 + d, -1, N) for d in scalars]
    for turn, (k, x) in enumerate(nonces(chance, count)):
        who = chance.randrange(keys)
        message = chance.randbytes(chance.randrange(0, 130))
        key = signers[who].public_key
        r = (int.from_bytes(key.message_digest(message), "big") + x) % N
        s = inverses[who] * (k - r * scalars[who]) % N
        pair = Pair(key, message, r, s, fits=True)
        yield pair if turn % 2 else damaged(pair, chance, signers[(who + 1) % keys].public_key)


def damaged(pair: Pair, chance: random.Random, other: PublicKey) -> Pair:
    """Return the pair, no longer fitting, and its numbers still in range."""
    key, message, r, s = pair.key, pair.message, pair.r, pair.s
    match chance.randrange(DAMAGES):
        case 0:
            message += b"."
        case 1:
            r = r % (N - 1) + 1
        case 2:
            s ^= 1 << chance.randrange(200)
        case 3:
            r, s = s, r
        case 4:
            s = N - s
        case _:
            key = other
    sound = 0 < r < N and 0 < s < N and (r + s) % N
    return Pair(key, message, r, s, fits=False) if sound else Pair(key, message + b".", pair.r, pair.s, fits=False)


def by_kernel(kernel: Compiled, many: list[Pair]) -> list[bool]:
    """Verify by the compiled kernel, in one batch; messages are digested there."""
    held = {pair.key.point: None for pair in many}
    loaded = {point: kernel.load_key(point) for point in held}
    return [
        answer == 1
        for answer in kernel.verify_many([(loaded[p.key.point], p.raw, p.message, None) for p in many], True)
    ]


def by_openssl(many: list[Pair]) -> list[bool]:
    """Verify by libcrypto."""
    engine = libcrypto.find()
    assert engine is not None
    handles = {pair.key: engine.load_public(pair.key.point) for pair in many}
    return [engine.verify(handles[pair.key], pair.digest, pair.r, pair.s) for pair in many]


def differences(seed: int, count: int) -> list[Pair]:
    """Make `count` pairs; return those about which the kernel, OpenSSL and their maker do not all agree."""
    many = list(pairs(count, seed))
    answers = zip(many, by_kernel(_verify, many), by_openssl(many), strict=True)
    return [pair for pair, ours, theirs in answers if not ours == theirs == pair.fits]
