"""Builds the kernel anew from its sources: as the package does, changed, or with a sanitizer."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "ecert/sm2/kernel"
PURE = [SOURCES / name for name in ("point.c", "verify.c", "signature.c", "sm3.c", "text.c")]
HOOK = ROOT / "hatch_build.py"
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror")


def load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hook() -> Any:
    return load(HOOK, "hatch_build")


def copied(folder: Path, changes: dict[str, tuple[str, str]] | None = None) -> Path:
    """Copy the sources, with one passage of some of them replaced."""
    target = folder / "kernel"
    target.mkdir()
    for source in (*SOURCES.glob("*.c"), *SOURCES.glob("*.h")):
        text = source.read_text("utf-8")
        before, after = (changes or {}).get(source.name, ("", ""))
        assert not before or text.count(before) == 1
        (target / source.name).write_text(text.replace(before, after) if before else text, "utf-8")
    return target


def compiled(folder: Path) -> Any:
    """Compile as the package does, and load the result."""
    assert hook().compile_kernel(folder) is None
    return load(folder / "_verify.abi3.so", "_verify")


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


def gcc() -> str:
    found = shutil.which("gcc")
    assert found, "gcc is needed (Debian: gcc libc6-dev)"
    return found


ZIG = (sys.executable, "-m", "ziglang", "cc")
