"""Verification of SM2 signatures beside OpenSSL's P-256, OpenSSL's SM2 and gmssl: in turns, several times over."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from bench_figures import figure, rate
from gmssl.sm2 import CryptSM2

from ecert.sm2 import PrivateKey, PublicKey, decode_der, encode_raw, kernel_absence, verify_engine, verify_many

MESSAGE = bytes(range(256)) + bytes(44)
RUNS = 5
BATCH = 256
TURN, TURNS = 0.1, 10  # seconds of wall time, and how many
INNER = 100  # verifications between two looks at the clock
WARM = 2048
NEW_KEYS = 1000
HELD_KEYS = 100_000
P256, SM2 = "ecdsap256", "sm2"


def openssl_speed(algorithm: str, seconds: int) -> tuple[float, float] | None:
    """Return OpenSSL's own (signatures, verifications) per second; None without its command line or the algorithm."""
    if shutil.which("openssl") is None:
        return None
    shown = subprocess.run(
        ["openssl", "speed", "-seconds", str(seconds), algorithm], capture_output=True, text=True, check=False
    )
    numbers = re.findall(r"\s([\d.]+)\s+([\d.]+)\s*$", shown.stdout)
    return (float(numbers[-1][0]), float(numbers[-1][1])) if shown.returncode == 0 and numbers else None


class Sm2Bench:
    """One signature under a key met often, and one each under keys met for the first time."""

    def __init__(self) -> None:
        """Make keys and signatures."""
        key = PrivateKey.generate()
        self.public, self.signature = key.public_key, key.sign(MESSAGE)
        self._claims = [(self.public, self.signature, MESSAGE)] * BATCH
        others = [PrivateKey.generate() for _ in range(NEW_KEYS)]
        self._others = [(other.public_key.point, other.sign(MESSAGE)) for other in others]
        self._gmssl = CryptSM2(private_key="", public_key="")
        self._gmssl.public_key = self.public.point[1:].hex()  # its constructor strips leading 0 and 4 digits
        self._asked = encode_raw(*decode_der(self.signature)).hex()

    def warm(self) -> None:
        """Use the known key until it has the largest table."""
        verify_many(self._claims * (WARM // BATCH))

    def known(self) -> None:
        """Verify one at a time, `INNER` times."""
        verify, signature = self.public.verify, self.signature
        for _ in range(INNER):
            verify(signature, MESSAGE)

    def batch(self) -> None:
        """Verify one batch."""
        verify_many(self._claims)

    def new_keys(self) -> None:
        """Check every new point and verify once under it, then forget the keys."""
        for point, signature in self._others:
            PublicKey.from_point(point).verify(signature, MESSAGE)
        verify_engine().load_public.cache_clear()  # type: ignore[attr-defined]  # both engines keep keys so

    def gmssl(self) -> None:
        """Verify as `gmssl` does, Z and SM3 included as in ours."""
        if not self._gmssl.verify_with_sm3(self._asked, MESSAGE):
            raise AssertionError

    def by_threads(self, threads: int, seconds: float) -> float:
        """Return how many signatures so many threads verify in a second of wall time, in batches."""
        counts, began = [0] * threads, time.perf_counter()

        def work(number: int) -> None:
            while time.perf_counter() - began < seconds:
                self.batch()
                counts[number] += BATCH

        pool = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join()
        return sum(counts) / (time.perf_counter() - began)

    def one_and_two_threads(self) -> tuple[float, float]:
        """Measure both in short turns, and return the best of each: the ones least disturbed by other programs."""
        turns = [(self.by_threads(1, TURN), self.by_threads(2, TURN)) for _ in range(TURNS)]
        return max(one for one, _ in turns), max(two for _, two in turns)

    def run(self, seconds: float) -> dict[str, float]:
        """Measure everything once, ours and the others in turns."""
        rates = {"gmssl": rate(self.gmssl, seconds), "new_key": NEW_KEYS * rate(self.new_keys, seconds)}
        self.warm()
        rates["known"] = INNER * rate(self.known, seconds)
        rates["batch"] = BATCH * rate(self.batch, seconds)
        rates["one_thread"], rates["two_threads"] = self.one_and_two_threads()
        for algorithm in (P256, SM2):
            speed = openssl_speed(algorithm, 1)
            if speed is not None:
                rates[algorithm] = speed[1]
        return rates


def measure_sm2(seconds: float) -> list[dict[str, Any]]:
    """Measure verification, `seconds` for each figure over all runs; a ratio is the median of each run's own."""
    bench = Sm2Bench()
    runs = [bench.run(seconds / RUNS) for _ in range(RUNS)]

    def compared(name: str, ours: str, against: str, theirs: str) -> dict[str, Any]:
        both = [(run[ours], run[theirs]) for run in runs if theirs in run]
        ratio = statistics.median(mine / other for mine, other in both) if both else None
        value = statistics.median(run[ours] for run in runs)
        return figure(name, value, "1/s", against, value / ratio if ratio else None)

    p256, sm2 = f"openssl speed {P256}", f"openssl speed {SM2}"
    return [
        compared("sm2_verify_known", "known", p256, P256),
        compared("sm2_verify_known_vs_openssl_sm2", "known", sm2, SM2),
        compared("sm2_verify_known_vs_gmssl", "known", "gmssl", "gmssl"),
        compared("sm2_verify_batch", "batch", p256, P256),
        compared("sm2_verify_new_key", "new_key", p256, P256),
        compared("sm2_verify_two_threads", "two_threads", "one thread", "one_thread"),
        *memory(),
    ]


def memory() -> list[dict[str, Any]]:
    """Measure what one issuer's key takes: held, with a small table, with a large one; nothing without the kernel."""
    if kernel_absence() is not None:
        return []
    from ecert.sm2.kernel import _verify  # noqa: PLC0415  (there is none in some builds)

    point, signature = PrivateKey.generate().public_key.point, bytes(64)
    key, before, sizes = _verify.load_key(point), _verify.memory(), []
    for uses in (16, 256, 2048):
        _verify.verify_many([(key, signature, b"", None)] * uses, True)  # noqa: FBT003
        sizes.append(_verify.memory() - before)
    resident = _resident()
    held = [_verify.load_key(point) for _ in range(HELD_KEYS)]
    return [
        figure("sm2_key_memory_held", (_resident() - resident) / len(held), "B", "", None),
        *(figure(f"sm2_key_memory_table_{step}", size, "B", "", None) for step, size in enumerate(sizes, 1)),
    ]


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
