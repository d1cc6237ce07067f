"""Signatures good and bad, verified by the kernel and by OpenSSL until enough agreed. `scripts/differential` runs it.

Ten million take some forty minutes on two cores. Every run draws other keys and nonces.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the pairs are those of the tests

from tests.sm2.pairs import Pair, differences

SHARE = 10_000
ANNOUNCED_EVERY = 20


def differences_of(seed: int) -> list[Pair]:
    """Return the pairs of one seed on which the two differ."""
    return differences(seed, SHARE)


def main() -> int:
    """Compare, say how far it is, and stop at the first difference."""
    parser = argparse.ArgumentParser(description="对照 The kernel beside OpenSSL.")
    parser.add_argument("--pairs", type=int, default=10_000_000, help="比对多少组签名 How many pairs")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="进程数 How many processes")
    options = parser.parse_args()
    seeds = [secrets.randbits(64) for _ in range(-(-options.pairs // SHARE))]
    began = time.monotonic()
    with ProcessPoolExecutor(options.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        for turn, found in enumerate(pool.map(differences_of, seeds), 1):
            if found:
                print(f"不一致 They differ, seed {seeds[turn - 1]}:", *found, sep="\n", flush=True)
                pool.shutdown(wait=False, cancel_futures=True)
                return 1
            if turn % ANNOUNCED_EVERY == 0 or turn == len(seeds):
                print(f"一致 agreed: {turn * SHARE:,} pairs, {time.monotonic() - began:,.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
