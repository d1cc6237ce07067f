"""BouncyCastle: an implementation that shares no line with ours or OpenSSL's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "java/SignedData.java"
JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("bcprov", "bcpkix", "bcutil")]

needs_bouncycastle = pytest.mark.skipif(
    shutil.which("java") is None or not all(jar.exists() for jar in JARS),
    reason="no java, or no BouncyCastle jars (Debian: libbcprov-java, libbcpkix-java)",
)


def ask(folder: Path, *tasks: str) -> list[str]:
    done = subprocess.run(
        ["java", "-cp", ":".join(map(str, JARS)), str(SOURCE), str(folder), *tasks],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
