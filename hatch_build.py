"""Builds the verification kernel (ecert/sm2/kernel) as part of every normal build of the package.

It is compiled with clang, or with the clang inside `ziglang` from PyPI where the machine has none: gcc makes it half
as fast. It needs no Python headers: it uses Python's stable ABI, whose few functions it declares itself, so one wheel
serves CPython 3.11 and later. Where it cannot be built the package is built without it, works, and says so.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ZIGLANG = "ziglang==0.17.1"
ZIG_MACHINES = ("x86_64", "AMD64", "aarch64", "arm64")
"""Where a wheel of `ziglang` is to be had."""
FLAGS = (
    "-std=c11",
    "-O3",
    "-Wall",
    "-Wextra",
    "-fno-sanitize=undefined",
    "-fvisibility=hidden",
    "-fPIC",
    "-shared",
    "-g0",
)
GLIBC = "2.17"
"""The oldest C library that a wheel built with `ziglang` on Linux runs with."""


def compiler() -> list[str] | None:
    """Return how clang is called; None where there is none."""
    clang = shutil.which("clang")
    if clang:
        return [clang]
    if importlib.util.find_spec("ziglang") is None:
        return None
    return [sys.executable, "-m", "ziglang", "cc", *_target()]


def _target() -> list[str]:
    """Name the machine, or `ziglang` would compile for this very processor and this very C library."""
    if sys.platform != "linux":
        return []
    musl = "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")
    return ["-target", f"{platform.machine()}-linux-{'musl' if musl else f'gnu.{GLIBC}'}"]


def compile_kernel(folder: Path) -> str | None:
    """Compile the C sources in `folder` to `_verify.abi3.so` there; return why not, or None when done."""
    library = folder / "_verify.abi3.so"
    library.unlink(missing_ok=True)  # better none than one of other sources
    command = compiler()
    if command is None:
        return "no clang, and no ziglang"
    if sys.platform == "win32" or sys.maxsize < 1 << 32:
        return "it is built on 64-bit Linux and macOS only"
    link = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    sources = map(str, sorted(folder.glob("*.c")))
    done = subprocess.run(  # noqa: S603  (our own sources and the compiler found above)
        [*command, *FLAGS, *link, "-o", str(library), *sources], capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else None


class KernelBuildHook(BuildHookInterface[Any]):
    """Compiles before the wheel is filled, also for an editable install."""

    def dependencies(self) -> list[str]:
        """Ask for `ziglang` only where the machine has no clang."""
        has_wheel = platform.machine() in ZIG_MACHINES and sys.platform in {"linux", "darwin"}
        return [ZIGLANG] if has_wheel and shutil.which("clang") is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  (hatchling's signature)
        """Compile, and name the wheel after the platform."""
        if self.target_name != "wheel":
            return
        problem = compile_kernel(Path(self.root) / "ecert/sm2/kernel")
        if problem is not None:
            self.app.display_warning(
                f"ecert 不含核验内核，功能不变，核验较慢。ecert is built without its verification kernel: "
                f"everything works, verification is slower.\n{problem}"
            )
            return
        build_data["pure_python"] = False
        build_data["artifacts"].append("ecert/sm2/kernel/_verify.abi3.so")
        build_data["tag"] = f"cp311-abi3-{_platform_tag()}"


def _platform_tag() -> str:
    if sys.platform == "linux" and shutil.which("clang") is None and "gnu" in "".join(_target()):
        return f"manylinux_{GLIBC.replace('.', '_')}_{platform.machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
