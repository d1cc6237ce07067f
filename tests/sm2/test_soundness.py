"""The C code is free of warnings, of undefined behaviour and of reads beyond what it was given."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from tests.sm2 import build

if TYPE_CHECKING:
    from pathlib import Path

HARNESS = build.SOURCES / "fuzz/fuzz_verify.c"
SANITIZERS = ("-g", "-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


def test_gcc_and_clang_compile_every_source_without_a_warning(tmp_path: Path) -> None:
    for source in (*sorted(build.SOURCES.glob("*.c")), HARNESS):
        build.run(build.gcc(), *build.STRICT, "-O2", "-c", source, "-o", tmp_path / "gcc.o")
        build.run(*build.ZIG, *build.STRICT, "-O2", "-c", source, "-o", tmp_path / "clang.o")


def test_the_harness_finds_nothing_under_address_and_undefined_behaviour_sanitizers(tmp_path: Path) -> None:
    program = tmp_path / "fuzz"
    build.run(build.gcc(), *build.STRICT, *SANITIZERS, "-DSTANDALONE", HARNESS, *build.PURE, "-o", program)
    assert "500 inputs" in build.run(program, "500", "1").stdout


def test_the_harness_finds_nothing_in_what_clang_made_with_its_checks_of_undefined_behaviour(tmp_path: Path) -> None:
    program = tmp_path / "fuzz"
    checks = ("-O2", "-fsanitize=undefined", "-fno-sanitize-recover=all")
    build.run(*build.ZIG, *build.STRICT, *checks, "-DSTANDALONE", HARNESS, *build.PURE, "-o", program)
    assert "3000 inputs" in build.run(program, "3000", "3").stdout


def test_valgrind_finds_nothing_in_what_the_package_ships(tmp_path: Path) -> None:
    valgrind = shutil.which("valgrind")
    assert valgrind, "valgrind is needed (Debian: valgrind)"
    program = tmp_path / "fuzz"
    hook = build.hook()
    flags = [flag for flag in hook.FLAGS if flag not in {"-shared", "-g0"}]
    build.run(*hook.compiler(), *flags, "-g", "-DSTANDALONE", HARNESS, *build.PURE, "-o", program)
    build.run(valgrind, "--quiet", "--error-exitcode=9", "--leak-check=full", program, "40", "4")


PROGRAM = """
import sys, threading
sys.path.insert(0, sys.argv[1])
import _verify
from ecert.sm2 import curve
good, message = bytes.fromhex(sys.argv[2]), b"message digest"
point = bytes.fromhex(sys.argv[3])
_verify.set_limit(3 << 20)
keys = [_verify.load_key(point) for _ in range(40)]
def work():
    for turn in range(40):
        items = [(key, good[: turn % 73 or 72], message, None if turn % 3 else bytes(32)) for key in keys]
        _verify.verify_many(items * 2, False)
        for key in keys[:4]:
            assert _verify.verify(key, good, message, None, False) == 1
            assert _verify.verify(key, good + b"x", message, None, False) == 3
        _verify.verify_many([], True)
threads = [threading.Thread(target=work) for _ in range(2)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
for wrong in ((), (1,), (b"",), (b"x" * 65,)):
    try:
        _verify.load_key(*wrong); raise SystemExit("taken: " + repr(wrong))
    except (TypeError, ValueError): pass
for item in ((), (keys[0],), (keys[0], b"", b"", b"x"), (keys[0], "", b"", None), (1, b"", b"", None), 7):
    try:
        _verify.verify_many([item], False); raise SystemExit("taken: " + repr(item))
    except (TypeError, ValueError, SystemError): pass
del keys
assert _verify.memory() <= 3 << 20
print("sound")
"""


def test_the_extension_itself_runs_clean_under_the_sanitizers_with_threads_and_evictions(tmp_path: Path) -> None:
    from tests.core.test_sm2 import GOOD, POINT  # noqa: PLC0415  (the published example)

    library = tmp_path / "_verify.abi3.so"
    sources = sorted(build.SOURCES.glob("*.c"))
    build.run(build.gcc(), *build.STRICT, *SANITIZERS, "-fPIC", "-shared", *sources, "-o", library)
    runtime = build.run(build.gcc(), "-print-file-name=libasan.so").stdout.strip()
    environment = os.environ | {"LD_PRELOAD": runtime, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONPATH": str(build.ROOT)}
    done = build.run(sys.executable, "-c", PROGRAM, tmp_path, GOOD.hex(), POINT.hex(), env=environment)
    assert done.stdout.strip() == "sound"
