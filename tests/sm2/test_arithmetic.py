"""The kernel's arithmetic against Python's integers, where carries run and where points meet."""

from __future__ import annotations

import random
from itertools import product

import pytest

from ecert.sm2 import curve, encode_raw
from ecert.sm2.curve import G, N, P
from ecert.sm2.kernel import _verify

R = 1 << 256
WINDOWS = (0, 4, 5, 8)
LIMBS = (0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 2**33 + 2**32 - 1, 2**64 - 2**32, 2**64 - 2, 2**64 - 1)


def bytes_of(value: int) -> bytes:
    return value.to_bytes(32, "big")


def field(operation: str, a: int, b: int) -> int:
    return int.from_bytes(_verify.field(ord(operation), bytes_of(a), bytes_of(b)), "big")


def boundary_values() -> list[int]:
    """Every combination of limbs at which a carry begins or ends, and the neighbours of p and of the constants."""
    limbs = [sum(limb << 64 * place for place, limb in enumerate(row)) for row in product(LIMBS, repeat=4)]
    near = [v + d for v in (0, P, R % P, R * R % P, P >> 1, 1 << 224, 1 << 96, 1 << 64, R - P) for d in range(-3, 4)]
    return sorted({v for v in limbs + near if 0 <= v < P})


def test_the_field_is_that_of_pythons_integers_over_every_pattern_of_carries() -> None:
    values = boundary_values()
    assert len(values) > 3500
    inverse_of_r = pow(R, -1, P)
    chance = random.Random(7)  # noqa: S311
    for a in values:
        others = chance.sample(values, 30)
        assert field("2", a, 0) == a * a * inverse_of_r % P
        for b in [*others, a, P - 1 - a]:
            assert field("*", a, b) == a * b * inverse_of_r % P
            assert field("+", a, b) == (a + b) % P
            assert field("-", a, b) == (a - b) % P


def test_the_field_inverts() -> None:
    assert field("i", 0, 0) == 0
    for a in boundary_values()[1::9]:
        assert field("i", a, 0) == pow(a, -1, P) * R * R % P


def test_the_field_takes_nothing_that_is_not_reduced() -> None:
    for value in (P, P + 1, R - 1):
        with pytest.raises(ValueError, match="not below p"):
            field("+", value, 0)
        with pytest.raises(ValueError, match="not below p"):
            field("+", 0, value)


def multiple(k: int, point: curve.Affine = G) -> curve.Affine | None:
    """k · point by doubling and adding in Python; None for infinity."""
    total: curve._Jacobian = curve._INFINITY
    for bit in f"{k % N:b}":
        total = curve._add_affine(curve._double(total), point) if bit == "1" else curve._double(total)
    return curve._to_affine([total])[0] if total[2] else None


def encoded(point: curve.Affine) -> bytes:
    return b"\x04" + bytes_of(point[0]) + bytes_of(point[1])


def check(point: curve.Affine, d: int, r: int, s: int, windows: tuple[int, ...] = WINDOWS) -> None:
    """Every window agrees with plain arithmetic, for the e that fits and for its neighbour."""
    total = multiple(s + (r + s) * d)
    e = 0 if total is None else (r - total[0]) % N
    wrong = (2,) * len(windows)
    found = tuple(_verify.probe(encoded(point), encode_raw(r, s), bytes_of(e), w) for w in windows)
    assert found == (wrong if total is None else (1,) * len(windows)), (r, s)
    assert tuple(_verify.probe(encoded(point), encode_raw(r, s), bytes_of((e + 1) % N), w) for w in windows) == wrong


EDGES = (1, 2, 3, 15, 16, 17, 127, 128, 129, 2**64 - 1, 2**128, N // 2, N // 2 + 1, N - 2**32, N - 2, N - 1)


@pytest.mark.parametrize("d", [1, 2, N - 2])
def test_scalars_at_the_edges_agree_in_every_window_and_in_batches(d: int) -> None:
    point = multiple(d)
    assert point is not None
    for s, t in product(EDGES, EDGES):
        if r := (t - s) % N:
            check(point, d, r, s)


def test_scalars_at_the_edges_agree_in_every_window_there_is() -> None:
    for window in range(4, 14):
        half = 1 << (window - 1)
        for s, t in ((half, half + 1), (half - 1, N - half), (N // 2, N // 2 + 1), (N - 1, (1 << 255) + half)):
            check(G, 1, (t - s) % N, s, (window,))


def test_a_sum_at_infinity_fits_nothing() -> None:
    d = 0xABCDEF
    point = multiple(d)
    assert point is not None
    for t in (1, 5, 2**200, N - 9):
        s = -t * d % N
        check(point, d, (t - s) % N, s)


@pytest.mark.parametrize("sign", [1, -1])
def test_equal_points_inside_the_sum_are_doubled_and_opposite_ones_cancel(sign: int) -> None:
    # Under P = ±G the same digits give the same entries, or opposite ones, at every level of the sum.
    point = multiple(sign % N)
    assert point is not None
    for s in (1, 7, 2**12 + 1, 2**100 + 2**50, 0x0102030405060708090A0B0C0D0E0F10, N - 5):
        for t in (s, N - s, (s + 1) % N, 2 * s % N):
            if t and (r := (t - s) % N):
                check(point, sign, r, s)


def test_an_x_at_or_above_n_wraps_as_the_standard_says() -> None:
    # A point with x in n..p-1 is a public key here, and t = n + 1 - ... makes R that very point: s·G + t·P = P.
    x = N
    while pow(x**3 - 3 * x + curve.B, (P - 1) // 2, P) != 1:
        x += 1
    y = pow(x**3 - 3 * x + curve.B, (P + 1) // 4, P)
    assert N <= x < P
    assert curve.on_curve(x, y)
    # R is looked for as P + s·G with s·G taken away from P beforehand: P' = P - s·G, and t = 1.
    for s in (1, 5, N - 3):
        away = multiple(N - s)
        assert away is not None
        total = curve._add_affine((x, y, 1), away)
        (point,) = curve._to_affine([total])
        r = (1 - s) % N
        if not r:
            continue
        e = (r - x) % N
        for window in WINDOWS:
            assert _verify.probe(encoded(point), encode_raw(r, s), bytes_of(e), window) == 1
            assert _verify.probe(encoded(point), encode_raw(r, s), bytes_of((e + 1) % N), window) == 2


def test_an_e_at_or_above_n_is_taken_modulo_n() -> None:
    # With s + t = 12 under G, R is 12·G; e = n + 3 fits r = x(R) + 3.
    total = multiple(12)
    assert total is not None
    r = (total[0] + 3) % N
    s = (12 - r) * pow(2, -1, N) % N  # 12 = s + t = r + 2s
    for e, wanted in ((3, 1), (N + 3, 1), (N + 4, 2), (R - 1, 2)):
        assert {_verify.probe(encoded(G), encode_raw(r, s), bytes_of(e), w) for w in WINDOWS} == {wanted}


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (N, 1), (1, N), (N + 1, 1), (1, N + 1), (R - 1, 1), (1, N - 1)])
def test_numbers_out_of_range_and_t_zero_are_malformed(r: int, s: int) -> None:
    for window in (0, 8):
        assert _verify.probe(encoded(G), encode_raw(r, s), bytes(32), window) == 3
