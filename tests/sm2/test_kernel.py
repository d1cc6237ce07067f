from __future__ import annotations

import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ecert.errors import CustodyError, MalformedError, RejectedError
from ecert.sm2 import (
    PrivateKey,
    PublicKey,
    curve,
    decode_der,
    decode_raw,
    encode_raw,
    kernel_absence,
    libcrypto,
    sm3,
    use_engine,
    verify_engine,
    verify_many,
)
from ecert.sm2 import kernel as compiled
from ecert.sm2.kernel import _verify
from tests.core.test_sm2 import BAD_POINTS, GOOD, MALFORMED, MESSAGE, POINT, STANDARD, R, S
from tests.sm2 import build
from tests.sm2.pairs import by_kernel, pairs

if TYPE_CHECKING:
    from pathlib import Path

KEY = PrivateKey.generate()
MIB = 1 << 20


def test_the_kernel_is_in_use_after_a_normal_setup() -> None:
    assert kernel_absence() is None
    assert verify_engine().name == "kernel"


def test_its_sm3_is_sm3_at_every_length_around_the_blocks() -> None:
    data = random.Random(3).randbytes(1000)  # noqa: S311
    for length in (*range(200), 511, 512, 513, 1000):
        assert _verify.sm3(data[:length]) == sm3(data[:length])
        e = KEY.public_key.message_digest(data[:length])
        signature = KEY.sign(data[:length])
        key = _verify.load_key(KEY.public_key.point)
        assert _verify.verify(key, signature, data[:length], None, False) == 1
        assert _verify.verify(key, signature, e, b"", False) == 1


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_signature_is_malformed_in_a_batch_too(name: str) -> None:
    found = verify_many([(STANDARD, GOOD, MESSAGE), (STANDARD, MALFORMED[name], MESSAGE), (STANDARD, GOOD, b"other")])
    assert found[0] is None
    assert isinstance(found[1], MalformedError)
    assert isinstance(found[2], RejectedError)


def test_the_kernel_and_the_parser_in_python_call_the_same_bytes_malformed() -> None:
    chance = random.Random(5)  # noqa: S311
    key = _verify.load_key(POINT)
    starts = (GOOD, encode_raw(R, S), bytes.fromhex("3006020101020101"), b"")
    for turn in range(30_000):
        data = bytearray(starts[turn % 4])
        for _ in range(chance.randrange(3)):
            if data:
                data[chance.randrange(min(len(data), 40))] = chance.choice(
                    (0, 1, 2, 0x20, 0x21, 0x30, 0x7F, 0x80, 0xFF)
                )
        signature = bytes(data[: chance.choice((len(data), len(data), chance.randrange(80)))])
        for raw, decode in ((False, decode_der), (True, decode_raw)):
            try:
                decode(signature)
                malformed = False
            except MalformedError:
                malformed = True
            assert (_verify.verify(key, signature, MESSAGE, None, raw) == compiled.MALFORMED) == malformed, signature


@pytest.mark.parametrize("name", BAD_POINTS)
def test_the_kernel_takes_no_key_that_is_not_a_point(name: str) -> None:
    with pytest.raises(ValueError, match=r"point|length"):
        _verify.load_key(BAD_POINTS[name])


@pytest.mark.parametrize("wrong", [bytearray(GOOD), memoryview(GOOD), "text", None, 7])
def test_a_call_with_anything_but_bytes_raises(wrong: object) -> None:
    key = _verify.load_key(POINT)
    with pytest.raises(TypeError):
        _verify.verify(key, wrong, MESSAGE, None, False)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        _verify.verify(key, GOOD, wrong, None, False)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        _verify.verify(wrong, GOOD, MESSAGE, None, False)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        _verify.verify(key, GOOD, MESSAGE, b"short", False)


def test_a_batch_says_for_each_what_single_verification_says_whatever_the_engine() -> None:
    many = list(pairs(600, seed=11, keys=5))
    claims = [(pair.key, pair.raw, pair.message) for pair in many]
    wanted = [pair.fits for pair in many]
    for engine in ("auto", "openssl"):
        use_engine(engine)
        for threads in (1, 2, 3):
            found = verify_many(claims, raw=True, threads=threads)
            assert [error is None for error in found] == wanted
            assert all(error is None or isinstance(error, RejectedError) for error in found)
    assert verify_many([]) == []


def test_user_ids_reach_the_kernel() -> None:
    for user_id in (b"", b"someone@example.com", b"x" * 8191):
        signature = KEY.sign(MESSAGE, user_id)
        KEY.public_key.verify(signature, MESSAGE, user_id)
        assert verify_many([(KEY.public_key, signature, MESSAGE)], user_id) == [None]
        assert isinstance(verify_many([(KEY.public_key, signature, MESSAGE)])[0], RejectedError)
    with pytest.raises(MalformedError):
        verify_many([(KEY.public_key, GOOD, MESSAGE)], b"x" * 8192)


def test_openssl_by_name_turns_the_kernel_off() -> None:
    use_engine("openssl")
    assert verify_engine().name == "openssl"
    assert "openssl" in str(kernel_absence())
    STANDARD.verify(GOOD, MESSAGE)
    with pytest.raises(RejectedError):
        STANDARD.verify(GOOD, b"other")
    with pytest.raises(CustodyError):
        use_engine("rot13")


def test_doctor_says_whether_the_kernel_is_there() -> None:
    command = [sys.executable, "-c", DOCTOR]
    for hidden, words in (("", "in use"), ("_verify", "not built")):
        done = subprocess.run([*command, hidden], capture_output=True, text=True, check=False)
        assert words in done.stdout, done.stderr


DOCTOR = """
import sys
if sys.argv.pop(): sys.modules["ecert.sm2.kernel._verify"] = None
sys.argv = ["ecert", "doctor"]
from ecert.cli.main import run
run()
"""


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("point.c", "field_sub(&r, &r, &s1);", "field_add(&r, &r, &s1);"),
        ("signature.c", "if (body[0] & 0x80) return 0;", "if (body[0] & 0x40) return 0;"),
        ("field.h", "0xFFFFFFFEFFFFFFFF}};", "0xFFFFFFFEFFFFFFFD}};"),
        ("sm3.c", "0x7380166Fu", "0x7380166Eu"),
        ("verify.c", "return false;\n    int count", "return true;\n    int count"),
    ],
)
def test_a_broken_build_is_refused_aloud(tmp_path: Path, file: str, before: str, after: str) -> None:
    broken = build.compiled(build.copied(tmp_path, {file: (before, after)}))
    reference = libcrypto.find()
    assert reference is not None
    with pytest.warns(RuntimeWarning, match="failed its self-test"):
        answer = compiled.accept(broken, reference)
    assert isinstance(answer, str)
    assert answer.startswith("refused: ")


def test_a_sound_build_of_the_same_sources_is_accepted(tmp_path: Path) -> None:
    sound = build.compiled(build.copied(tmp_path))
    reference = libcrypto.find()
    assert reference is not None
    assert isinstance(compiled.accept(sound, reference), compiled.Kernel)


def test_where_there_is_no_compiler_the_build_says_so_and_leaves_no_old_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = build.copied(tmp_path)
    (folder / "_verify.abi3.so").write_bytes(b"of other sources")
    hook = build.hook()
    monkeypatch.setattr(hook, "compiler", lambda: None)
    assert hook.compile_kernel(folder) == "no clang, and no ziglang"
    assert not (folder / "_verify.abi3.so").exists()


def points(count: int) -> list[bytes]:
    """Return public keys that count up: k · G for neighbouring k."""
    first = curve._accumulate(curve._INFINITY, curve._base_table(curve.G), random.Random(13).randrange(curve.N))  # noqa: S311
    found = [first]
    for _ in range(count - 1):
        found.append(curve._add_affine(found[-1], curve.G))
    return [b"\x04" + encode_raw(x, y) for x, y in curve._to_affine(found)]


def test_5000_keys_stay_within_the_bound_and_every_answer_stays_right() -> None:
    _verify.set_limit(32 * MIB)
    before = _verify.memory()
    keys = [(_verify.load_key(point), point) for point in points(5000)]
    e = MESSAGE.ljust(32)
    for turn in range(2):
        for key, _ in keys[turn * 2500 : turn * 2500 + 400]:
            codes = set(_verify.verify_many([(key, GOOD, e, b"")] * 33, False))
            assert codes == {compiled.DOES_NOT_FIT}
            assert _verify.memory() <= 32 * MIB
        for key, point in keys[::50]:
            assert _verify.verify(key, GOOD, e, b"", False) == compiled.DOES_NOT_FIT
            assert _verify.probe(point, encode_raw(R, S), e, 0) == compiled.DOES_NOT_FIT
    assert 100 < _verify.tables() < 5000
    assert _verify.memory() > before
    del key, keys
    assert _verify.memory() <= before


def test_keys_that_take_turns_keep_their_tables_and_a_hot_key_gets_one() -> None:
    _verify.set_limit(MIB)
    keys = [_verify.load_key(point) for point in points(30)]
    for _ in range(40):
        _verify.verify_many([(key, GOOD, MESSAGE, None) for key in keys], False)
    held = _verify.tables()
    assert 8 <= held <= 12
    hot = _verify.load_key(POINT)
    assert set(_verify.verify_many([(hot, GOOD, MESSAGE, None)] * 2000, False)) == {1}
    assert _verify.memory() <= MIB
    assert _verify.verify(hot, GOOD, MESSAGE, None, False) == 1


def test_two_threads_verify_at_once_while_tables_come_and_go() -> None:
    _verify.set_limit(2 * MIB)
    many = list(pairs(3000, seed=12, keys=12))
    wanted = [pair.fits for pair in many]

    def work(_: int) -> list[bool]:
        return by_kernel(_verify, many)

    with ThreadPoolExecutor(4) as pool:
        assert all(found == wanted for found in pool.map(work, range(12)))


def test_the_gil_is_free_during_a_batch() -> None:
    claims = [(STANDARD, GOOD, MESSAGE)] * 40_000
    ticks, done = 0, threading.Event()

    def batch() -> None:
        verify_many(claims)
        done.set()

    thread = threading.Thread(target=batch)
    thread.start()
    while not done.wait(0.002):
        ticks += 1
    thread.join()
    assert ticks > 20


def test_a_public_key_is_verified_with_from_any_thread() -> None:
    key = PublicKey.from_point(POINT)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: key.verify(GOOD, MESSAGE), range(500)))
