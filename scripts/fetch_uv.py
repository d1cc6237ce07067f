"""Fetch `uv` from the package index into a bare environment: for machines whose Python came without pip.

Usage: fetch_uv.py TARGET. The wheel's SHA-256 must be the one the index states.
"""

import hashlib
import io
import json
import os
import platform
import sys
import urllib.request
import zipfile
from pathlib import Path

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
LIMIT = 200 * 1024 * 1024


def get(url: str, accept: str) -> bytes:
    """Return what `url` serves."""
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310  (the index is configured)
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        return answer.read(LIMIT)


def main() -> None:
    """Find the newest wheel for this machine, check it, and take the program out of it."""
    target = Path(sys.argv[1])
    listing = json.loads(get(f"{INDEX}/uv/", "application/vnd.pypi.simple.v1+json"))
    machine = platform.machine()
    fitting = [
        file
        for file in listing["files"]
        if file["filename"].endswith(f"{machine}.whl") and "manylinux" in file["filename"] and not file.get("yanked")
    ]
    if not fitting:
        sys.exit(f"no uv wheel for {machine}: install uv by hand")
    newest = max(fitting, key=lambda file: file.get("upload-time", ""))
    wheel = get(newest["url"], "*/*")
    if hashlib.sha256(wheel).hexdigest() != newest["hashes"]["sha256"]:
        sys.exit("the uv wheel does not have the SHA-256 that the index states")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
        target.write_bytes(archive.read(name))
    target.chmod(0o755)


main()
