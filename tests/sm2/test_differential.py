"""The kernel and every other implementation at hand give the same answer, many times over."""

from __future__ import annotations

import multiprocessing
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from gmssl.sm2 import CryptSM2

from ecert.sm2 import curve
from ecert.sm2.kernel import _verify
from tests.sm2.pairs import Pair, by_kernel, differences, pairs

JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("bcprov", "bcpkix", "bcutil")]


def test_200_000_signatures_get_the_answer_of_openssl() -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(differences, range(20), [10_000] * 20):
            assert not found


def ask_gmssl(pair: Pair) -> bool:
    oracle = CryptSM2(private_key="", public_key="")
    oracle.public_key = pair.key.point.hex()[2:]  # its constructor strips leading 0 and 4 digits
    return bool(oracle.verify(pair.raw.hex(), pair.digest))


def test_2000_signatures_get_the_answer_of_gmssl() -> None:
    many = list(pairs(2000, seed=21))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        theirs = list(pool.map(ask_gmssl, many, chunksize=50))
    assert by_kernel(_verify, many) == theirs


@pytest.mark.skipif(
    shutil.which("java") is None or not all(jar.exists() for jar in JARS),
    reason="no java, or no BouncyCastle jars (Debian: libbcprov-java, libbcpkix-java)",
)
def test_50_000_signatures_get_the_answer_of_bouncycastle() -> None:
    many = list(pairs(50_000, seed=22))
    lines = "\n".join(f"{pair.key.point.hex()} {pair.raw.hex()} .{pair.message.hex()}" for pair in many)
    source = Path(__file__).parents[1] / "java/Sm2Pairs.java"
    done = subprocess.run(
        ["java", "-cp", ":".join(map(str, JARS)), str(source)], input=lines, capture_output=True, text=True, check=True
    )
    assert by_kernel(_verify, many) == [answer == "1" for answer in done.stdout.strip()]


def test_the_arithmetic_in_python_agrees_one_by_one_and_for_new_keys() -> None:
    for pair in pairs(400, seed=23, keys=2):
        point = int.from_bytes(pair.key.point[1:33], "big"), int.from_bytes(pair.key.point[33:], "big")
        assert curve.signature_fits(point, int.from_bytes(pair.digest, "big"), pair.r, pair.s) == pair.fits
        fresh = _verify.load_key(pair.key.point)
        assert (_verify.verify(fresh, pair.raw, pair.message, None, True) == 1) == pair.fits
