"""The SM2 recommended curve (GM/T 0003.5), and arithmetic on it for public data only.

This module verifies signatures where no C engine is present, and gives tests an independent second
implementation. Nothing here is constant time: no private key, nonce or other secret may enter it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
"""The field prime."""
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
"""The order of the group."""
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
"""The base point, affine."""

Affine: TypeAlias = tuple[int, int]
_Jacobian: TypeAlias = tuple[int, int, int]

_INFINITY: _Jacobian = (1, 1, 0)
_WINDOW = 8
_WINDOWS = 256 // _WINDOW
_MASK = (1 << _WINDOW) - 1

KEY_TABLES = 32
"""How many issuer keys keep a table (about 1.7 MB each); the least recently used goes first."""


def on_curve(x: int, y: int) -> bool:
    """Tell whether (x, y), each in 0..p-1, lies on the curve. The point at infinity has no affine form."""
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x + A) * x - B) % P == 0


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    if not z:
        return _INFINITY
    delta = z * z % P
    gamma = y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    z3 = 2 * y * z % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, z3


def _add_affine(point: _Jacobian, other: Affine) -> _Jacobian:
    x1, y1, z1 = point
    x2, y2 = other
    if not z1:
        return x2, y2, 1
    z1z1 = z1 * z1 % P
    h = (x2 * z1z1 - x1) % P
    r = (y2 * z1 * z1z1 - y1) % P
    if not h:
        return _INFINITY if r else _double(point)
    hh = h * h % P
    hhh = h * hh % P
    v = x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def _to_affine(points: list[_Jacobian]) -> list[Affine]:
    """Normalise many points, none at infinity, with one inversion."""
    prefix = [1]
    for _, _, z in points:
        prefix.append(prefix[-1] * z % P)
    inverse = pow(prefix[-1], -1, P)
    result: list[Affine] = []
    for index in range(len(points) - 1, -1, -1):
        x, y, z = points[index]
        z_inverse = inverse * prefix[index] % P
        inverse = inverse * z % P
        square = z_inverse * z_inverse % P
        result.append((x * square % P, y * square * z_inverse % P))
    result.reverse()
    return result


def _table(point: Affine) -> list[list[Affine]]:
    """`table[i][j-1] = j · 2^(8·i) · point` for j in 1..255: a product is then at most 32 additions."""
    rows: list[list[_Jacobian]] = []
    base = point
    for _ in range(_WINDOWS):
        row: list[_Jacobian] = [(*base, 1)]
        for _ in range(_MASK - 1):
            row.append(_add_affine(row[-1], base))
        rows.append(row)
        (base,) = _to_affine([_add_affine(row[-1], base)])
    flat = _to_affine([entry for row in rows for entry in row])
    return [flat[i * _MASK : (i + 1) * _MASK] for i in range(_WINDOWS)]


_key_table = lru_cache(maxsize=KEY_TABLES)(_table)
_base_table = lru_cache(maxsize=1)(_table)


def _accumulate(total: _Jacobian, table: list[list[Affine]], scalar: int) -> _Jacobian:
    for row in table:
        digit = scalar & _MASK
        if digit:
            total = _add_affine(total, row[digit - 1])
        scalar >>= _WINDOW
    return total


def signature_fits(point: Affine, e: int, r: int, s: int) -> bool:
    """Check the verification equation of GM/T 0003.2: (e + x(s·G + (r+s)·P)) mod n = r.

    Args:
        point: The public key, already known to lie on the curve.
        e: SM3(Z ‖ M) as an integer.
        r: In 1..n-1.
        s: In 1..n-1, with r + s not a multiple of n.
    """
    total = _accumulate(_INFINITY, _base_table(G), s)
    total = _accumulate(total, _key_table(point), (r + s) % N)
    x, _, z = total
    if not z:
        return False
    return (e + x * pow(z, -2, P) % P) % N == r
