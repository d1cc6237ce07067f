"""Ours beside what else can be installed: `bench_rivals` runs in an environment of its own."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench_figures import figure, per_second
from bench_rivals import PACKAGES
from bench_sm2 import INNER, MESSAGE, Sm2Bench

from ecert.sm2 import decode_der, encode_raw


def measure_compared(seconds: float) -> list[dict[str, Any]]:
    """Measure ours, then every rival. A rival that fails is named, and has no figure."""
    bench = Sm2Bench()
    bench.warm()
    ours = INNER * per_second(bench.known, seconds)
    figures = [figure("ecert, one at a time", ours, "1/s", "", None)]
    for name, found in _rivals(_given(bench)).items():
        if isinstance(found, str):
            print(f"{name}: {found}", file=sys.stderr)
        else:
            figures.append(figure(name, found, "1/s", "ecert", ours))
    return figures


def _given(bench: Sm2Bench) -> str:
    key, der = bench.public, bench.signature
    lines = base64.encodebytes(key.spki)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + lines + b"-----END PUBLIC KEY-----\n"
    parts = {"point": key.point, "der": der, "raw": encode_raw(*decode_der(der)), "message": MESSAGE, "pem": pem}
    return json.dumps({name: value.hex() for name, value in parts.items()})


def _rivals(given: str) -> dict[str, float | str]:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    script = Path(__file__).with_name("bench_rivals.py")
    with tempfile.TemporaryDirectory() as folder:
        python = f"{folder}/bin/python"
        for command in (
            [uv, "venv", "--quiet", "--python", sys.executable, "--clear", folder],
            [uv, "pip", "install", "--quiet", "--python", python, *PACKAGES],
        ):
            subprocess.run(command, check=True)
        done = subprocess.run([python, str(script)], input=given, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float | str] = json.loads(done.stdout)
    return found
