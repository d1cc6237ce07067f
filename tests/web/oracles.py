"""OpenSSL and BouncyCastle, asked about raw SM2 signatures."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecert.sm2 import PrivateKey, decode_raw, encode_der

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = Path(__file__).parents[1] / "java/RawSignatures.java"
JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("bcprov", "bcpkix", "bcutil")]

needs_bouncycastle = pytest.mark.skipif(
    shutil.which("java") is None or not all(jar.exists() for jar in JARS),
    reason="no java, or no BouncyCastle jars (Debian: libbcprov-java, libbcpkix-java)",
)


@dataclass
class Opinion:
    good: bool
    signature: bytes
    sm3: str


def bouncycastle(folder: Path, key: PrivateKey, cases: Sequence[tuple[bytes, bytes]]) -> list[Opinion]:
    (folder / "spki.der").write_bytes(key.public_key.spki)
    (folder / "key.der").write_bytes(key.to_pkcs8())
    (folder / "cases").write_text("\n".join(f"{text.hex()} {value.hex()}" for text, value in cases))
    done = subprocess.run(
        ["java", "-cp", ":".join(map(str, JARS)), str(SOURCE), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answers = [line.split() for line in done.stdout.splitlines()]
    return [Opinion(good == "true", bytes.fromhex(value), digest) for good, value, digest in answers]


def openssl_accepts(folder: Path, key: PrivateKey, text: bytes, value: bytes) -> bool:
    (folder / "key").write_bytes(key.to_pem())
    (folder / "text").write_bytes(text)
    (folder / "value").write_bytes(encode_der(*decode_raw(value)))
    options = "-verify -inkey key -rawin -in text -digest sm3 -pkeyopt distid:1234567812345678 -sigfile value"
    done = subprocess.run(["openssl", "pkeyutl", *options.split()], cwd=folder, capture_output=True, check=False)
    return b"Success" in done.stdout
