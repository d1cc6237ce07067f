from __future__ import annotations

import contextlib
import json
import os
import pickle
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gmalg
import pytest
from gmssl.sm2 import CryptSM2
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert.errors import CustodyError, EcertError, MalformedError, Reason, RejectedError
from ecert.sm2 import (
    PrivateKey,
    PublicKey,
    curve,
    decode_der,
    decode_raw,
    encode_der,
    encode_raw,
    hmac_sm3,
    libcrypto,
    sm3,
    use_engine,
)
from ecert.sm2.curve import N, P
from ecert.sm2.encoding import decode_private_key_info, encode_private_key_info, encode_spki
from ecert.sm2.engine import _Tables
from tests.world import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTORS = SHARED / "vectors"
MESSAGE = b"message digest"
STANDARD = PublicKey.from_point(
    bytes.fromhex(
        "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    )
)
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
GOOD = encode_der(R, S)
KEY = PrivateKey.generate()


def vectors(name: str) -> Any:
    if not VECTORS.is_dir():
        pytest.skip("the published vectors are not beside the checkout")
    return json.loads((VECTORS / name).read_text("utf-8"))


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, len(body))) + body


def integer(value: int) -> bytes:
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def test_the_standards_example_verifies() -> None:
    STANDARD.verify(GOOD, MESSAGE)
    STANDARD.verify_raw(encode_raw(R, S), MESSAGE)
    expected = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
    assert STANDARD.message_digest(MESSAGE).hex() == expected


def test_published_signatures_verify_and_their_keys_give_the_published_points() -> None:
    ran = 0
    for case in vectors("sm2_kat.json")["signature_kat"]:
        if not {"pub", "r", "s", "msg", "id"} <= case.keys() or "recommended" not in case["name"] + "recommended":
            continue
        try:
            key = PublicKey.from_point(bytes.fromhex(case["pub"]))
        except MalformedError:
            continue  # examples on the standard's other curves
        signature = encode_raw(int(case["r"], 16), int(case["s"], 16))
        key.verify_raw(signature, case["msg"].encode(), case["id"].encode())
        with pytest.raises(RejectedError):
            key.verify_raw(signature, case["msg"].encode() + b".", case["id"].encode())
        if "d" in case:
            scalar = bytes.fromhex(case["d"].zfill(64))
            assert PrivateKey(scalar).public_key == key
            if "k" in case:
                e = key.message_digest(case["msg"].encode(), case["id"].encode())
                oracle = CryptSM2(private_key=case["d"], public_key="").sign(e, case["k"])
                assert oracle == signature.hex()
        ran += 1
    assert ran >= 2


def test_sm3_and_hmac_sm3_give_the_published_values() -> None:
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    groups = vectors("hmac_sm3_test.json")["testGroups"]
    for group in groups:
        for case in group["tests"]:
            tag = hmac_sm3(bytes.fromhex(case["key"]), bytes.fromhex(case["msg"]))[: group["tagSize"] // 8]
            assert (tag.hex() == case["tag"]) == (case["result"] == "valid"), case["tcId"]


MALFORMED = {
    "empty": b"",
    "r zero": der(0x30, integer(0), integer(S)),
    "s zero": der(0x30, integer(R), integer(0)),
    "r is n": der(0x30, integer(N), integer(S)),
    "s is n": der(0x30, integer(R), integer(N)),
    "r above n": der(0x30, integer(N + 5), integer(S)),
    "r + s is n": der(0x30, integer(R), integer(N - R)),
    "r + n": der(0x30, integer(R + N), integer(S)),
    "trailing byte": GOOD + b"\0",
    "trailing byte inside": der(0x30, integer(R), integer(S), b"\0"),
    "third integer": der(0x30, integer(R), integer(S), integer(1)),
    "one integer": der(0x30, integer(R)),
    "non-minimal": der(0x30, der(2, b"\0\0" + R.to_bytes(32, "big")), integer(S)),
    "negative": der(0x30, der(2, R.to_bytes(32, "big")), integer(S)),
    "empty integer": der(0x30, der(2), integer(S)),
    "long-form length": b"\x30\x81" + GOOD[1:],
    "indefinite length": b"\x30\x80" + GOOD[2:] + b"\0\0",
    "set for sequence": b"\x31" + GOOD[1:],
    "octet string for integer": der(0x30, der(4, b"\0" + R.to_bytes(32, "big")), integer(S)),
    "length too long": bytes((0x30, GOOD[1] + 1)) + GOOD[2:],
    "raw form": encode_raw(R, S),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_signature_is_malformed_not_merely_wrong(name: str) -> None:
    with pytest.raises(MalformedError) as caught:
        STANDARD.verify(MALFORMED[name], MESSAGE)
    assert caught.value.reason is Reason.SIGNATURE_MALFORMED


def test_every_truncation_is_malformed() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(MalformedError):
            STANDARD.verify(GOOD[:length], MESSAGE)
    for length in (0, 63, 65, 128):
        with pytest.raises(MalformedError):
            STANDARD.verify_raw(bytes(range(1, 200))[:length], MESSAGE)


@pytest.mark.parametrize(
    "signature", [encode_der(S, R), encode_der(R, N - S), encode_der(N - R, S), encode_der(R, S - 1), encode_der(1, 1)]
)
def test_a_wrong_signature_is_rejected_by_every_engine(signature: bytes) -> None:
    with pytest.raises(RejectedError) as caught:
        STANDARD.verify(signature, MESSAGE)
    assert caught.value.reason is Reason.SIGNATURE_BAD
    tables = _Tables()
    assert not tables.verify(
        tables.load_public(STANDARD.point), STANDARD.message_digest(MESSAGE), *decode_der(signature)
    )


def test_the_user_id_and_z_are_part_of_what_is_signed() -> None:
    with pytest.raises(RejectedError):
        STANDARD.verify(GOOD, MESSAGE, b"another")
    with pytest.raises(RejectedError):
        STANDARD.verify(GOOD, MESSAGE, b"")
    for user_id in (b"", b"x" * 8191):
        KEY.public_key.verify(KEY.sign(MESSAGE, user_id), MESSAGE, user_id)
    with pytest.raises(MalformedError):
        KEY.sign(MESSAGE, b"x" * 8192)
    e = sm3(MESSAGE)  # Z left out
    tables = _Tables()
    handle = tables.load_public(STANDARD.point)
    assert not tables.verify(handle, e, R, S)


def test_an_ecdsa_signature_on_the_same_curve_is_rejected() -> None:
    scalar = int.from_bytes(decode_private_key_info(KEY.to_pkcs8())[0], "big")
    e = int.from_bytes(KEY.public_key.message_digest(MESSAGE), "big")
    r = curve.G[0] % N  # the nonce is 1
    s = (e + r * scalar) % N
    with pytest.raises(RejectedError):
        KEY.public_key.verify(encode_der(r, s), MESSAGE)


POINT = STANDARD.point
BAD_POINTS = {
    "empty": b"",
    "infinity": b"\0",
    "zeros": b"\x04" + bytes(64),
    "off the curve": POINT[:-1] + bytes((POINT[-1] ^ 1,)),
    "compressed": bytes((2 + POINT[-1] % 2,)) + POINT[1:33],
    "hybrid": bytes((6 + POINT[-1] % 2,)) + POINT[1:],
    "x not reduced": b"\x04" + P.to_bytes(32, "big") + POINT[33:],
    "y not reduced": POINT[:33] + b"\xff" * 32,
    "short": POINT[:-1],
    "long": POINT + b"\0",
    "P-256 base point": bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    ),
}


@pytest.mark.parametrize("name", BAD_POINTS)
def test_what_is_not_a_point_is_no_key(name: str) -> None:
    with pytest.raises(MalformedError) as caught:
        PublicKey.from_point(BAD_POINTS[name])
    assert caught.value.reason is Reason.PUBLIC_KEY_MALFORMED
    with pytest.raises(MalformedError):
        PublicKey.from_spki(encode_spki(BAD_POINTS[name]))


def test_engines_agree_on_many_signatures_good_and_bad() -> None:
    tables, openssl = _Tables(), libcrypto.find()
    assert openssl is not None
    independent = gmalg.SM2(pk=KEY.public_key.point, uid=b"1234567812345678")
    handle, other = tables.load_public(KEY.public_key.point), openssl.load_public(KEY.public_key.point)
    for turn in range(300):
        message = secrets.token_bytes(turn)
        e = KEY.public_key.message_digest(message)
        r, s = decode_der(KEY.sign(message))
        if turn % 2:
            r = (r + secrets.randbelow(N - 1)) % (N - 1) + 1
        if (r + s) % N == 0:
            continue
        answers = {tables.verify(handle, e, r, s), openssl.verify(other, e, r, s)}
        assert answers == {turn % 2 == 0}
        if turn < 20:
            oracle = CryptSM2(private_key="", public_key=KEY.public_key.point.hex()[2:])
            oracle.public_key = KEY.public_key.point.hex()[2:]  # its constructor strips leading 0 and 4 digits
            assert oracle.verify(f"{r:064x}{s:064x}", e) == (turn % 2 == 0)
            assert independent.verify(message, *(v.to_bytes(32, "big") for v in (r, s))) == (turn % 2 == 0)


def test_edge_scalars_agree_between_tables_and_openssl() -> None:
    tables, openssl = _Tables(), libcrypto.find()
    assert openssl is not None
    edges = (1, 2, 3, N // 2, N - 2, N - 1)
    for point in (POINT, KEY.public_key.point, b"\x04" + b"".join(v.to_bytes(32, "big") for v in curve.G)):
        a, b = tables.load_public(point), openssl.load_public(point)
        for r in edges:
            for s in edges:
                if r + s != N:
                    for e in (bytes(32), b"\xff" * 32, r.to_bytes(32, "big")):
                        assert tables.verify(a, e, r, s) == openssl.verify(b, e, r, s)


@given(st.integers(1, N - 1), st.integers(1, N - 1))
def test_signatures_round_trip(r: int, s: int) -> None:
    if r + s != N:
        assert decode_der(encode_der(r, s)) == decode_raw(encode_raw(r, s)) == (r, s)


@settings(max_examples=500)
@given(st.binary(max_size=80))
def test_any_bytes_are_the_one_encoding_of_a_signature_or_malformed(data: bytes) -> None:
    for decode, encode in ((decode_der, encode_der), (decode_raw, encode_raw)):
        with contextlib.suppress(MalformedError):
            assert encode(*decode(data)) == data


def openssl(*arguments: str | Path, data: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("user_id", ["1234567812345678", "someone@example.com"])
def test_openssl_verifies_what_we_sign_and_we_verify_what_it_signs(tmp_path: Path, user_id: str) -> None:
    (tmp_path / "key").write_bytes(KEY.to_pem())
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "ours").write_bytes(KEY.sign(MESSAGE, user_id.encode()))
    common = ("-inkey", tmp_path / "key", "-rawin", "-in", tmp_path / "message", "-digest", "sm3")
    identity = ("-pkeyopt", f"distid:{user_id}")
    assert b"Success" in openssl("pkeyutl", "-verify", *common, *identity, "-sigfile", tmp_path / "ours")
    theirs = openssl("pkeyutl", "-sign", *common, *identity)
    KEY.public_key.verify(theirs, MESSAGE, user_id.encode())


def test_openssl_reads_our_keys_and_we_read_its(tmp_path: Path) -> None:
    assert openssl("pkey", "-pubout", "-outform", "DER", data=KEY.to_pem()) == KEY.public_key.spki
    theirs = openssl("genpkey", "-algorithm", "SM2")
    key = PrivateKey.from_pem(theirs)
    key.public_key.verify(key.sign(MESSAGE), MESSAGE)
    sealed = openssl("pkcs8", "-topk8", "-v2", "sm4-cbc", "-passout", "pass:样例口令", data=theirs)
    assert PrivateKey.from_pem(sealed, "样例口令".encode()).public_key == key.public_key
    (tmp_path / "ours").write_bytes(KEY.to_pem(b"correct horse"))
    knows = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-v2", "sm4-cbc", "-v2prf", "hmacWithSM3", "-passout", "pass:x"],
        input=theirs,
        capture_output=True,
        check=False,
    )
    command = ["openssl", "pkey", "-in", str(tmp_path / "ours"), "-passin", "pass:correct horse", "-pubout"]
    read = subprocess.run([*command, "-outform", "DER"], capture_output=True, check=False)
    # Where its command line knows HMAC-SM3 it reads our key; where not, it says so and gives nothing.
    assert (read.returncode == 0) == (knows.returncode == 0)
    assert read.stdout == (KEY.public_key.spki if knows.returncode == 0 else b"")


def test_bouncycastle_verifies_signs_and_opens_our_encrypted_key(tmp_path: Path) -> None:
    jars = [Path("/usr/share/java/bcprov.jar"), Path("/usr/share/java/bcpkix.jar"), Path("/usr/share/java/bcutil.jar")]
    if not all(jar.exists() for jar in jars):
        pytest.skip("BouncyCastle is not installed (Debian: libbcprov-java libbcpkix-java)")
    lines = []
    for turn in range(40):
        message = secrets.token_bytes(turn + 1)
        signature = KEY.sign(message)
        lines.append(f"{message.hex()} {signature.hex()} true")
        lines.append(f"{message.hex()} {KEY.sign(message + b'.').hex()} false")
    (tmp_path / "cases").write_text("\n".join(lines), "ascii")
    (tmp_path / "key.der").write_bytes(KEY.to_pkcs8())
    (tmp_path / "sealed.der").write_bytes(KEY.to_pkcs8(b"correct horse"))
    (tmp_path / "spki.der").write_bytes(KEY.public_key.spki)
    source = Path(__file__).parents[1] / "java" / "Sm2Check.java"
    done = subprocess.run(
        ["java", "-cp", ":".join(map(str, jars)), str(source), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verified, signature_hex, opened = done.stdout.split()
    assert verified == "80"
    KEY.public_key.verify(bytes.fromhex(signature_hex), b"signed by BouncyCastle")
    assert opened == "same"


def test_key_files_round_trip_and_a_wrong_passphrase_is_said() -> None:
    sealed = KEY.to_pem(b"correct horse battery")
    assert PrivateKey.from_pem(sealed, b"correct horse battery").public_key == KEY.public_key
    assert b"ENCRYPTED" in sealed
    for passphrase, reason in ((b"wrong", Reason.PASSPHRASE_WRONG), (None, Reason.PASSPHRASE_MISSING)):
        with pytest.raises(CustodyError) as caught:
            PrivateKey.from_pem(sealed, passphrase)
        assert caught.value.reason is reason


def test_a_damaged_key_file_is_refused_wherever_it_is_damaged() -> None:
    sealed = KEY.to_pkcs8(b"correct horse battery")
    for at in range(0, len(sealed), 5):
        changed = sealed[:at] + bytes((sealed[at] ^ 0x10,)) + sealed[at + 1 :]
        with pytest.raises(EcertError):
            PrivateKey.from_pkcs8(changed, b"correct horse battery")
    for length in range(0, len(sealed), 7):
        with pytest.raises(MalformedError):
            PrivateKey.from_pkcs8(sealed[:length], b"correct horse battery")


@pytest.mark.parametrize("scalar", [0, N - 1, N, (1 << 256) - 1])
def test_a_private_key_out_of_range_is_refused(scalar: int) -> None:
    with pytest.raises(MalformedError):
        PrivateKey.from_pkcs8(encode_private_key_info(scalar.to_bytes(32, "big")))


def test_a_key_with_somebody_elses_public_key_is_refused() -> None:
    scalar, _ = decode_private_key_info(KEY.to_pkcs8())
    with pytest.raises(CustodyError) as caught:
        PrivateKey.from_pkcs8(encode_private_key_info(scalar, POINT))
    assert caught.value.reason is Reason.KEY_MISMATCH


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", b"x" * 10000])
def test_what_is_not_a_key_file_is_malformed(pem: bytes) -> None:
    with pytest.raises(MalformedError):
        PrivateKey.from_pem(pem)


def test_a_private_key_shows_nothing_and_does_not_pickle() -> None:
    scalar, _ = decode_private_key_info(KEY.to_pkcs8())
    assert scalar.hex() not in repr(KEY)
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


@pytest.fixture
def gmssl_engine() -> Iterator[None]:
    with pytest.warns(RuntimeWarning, match="not constant time"):
        use_engine("gmssl")
    yield
    use_engine("auto")


@pytest.mark.usefixtures("gmssl_engine")
def test_the_gmssl_engine_works_where_it_is_asked_for() -> None:
    key = PrivateKey.generate()
    first, second = key.sign(MESSAGE), key.sign(MESSAGE)
    assert first != second
    key.public_key.verify(first, MESSAGE)
    assert PrivateKey.from_pkcs8(KEY.to_pkcs8()).public_key == KEY.public_key


def test_an_engine_nobody_knows_is_refused() -> None:
    with pytest.raises(CustodyError):
        use_engine("rot13")


@pytest.mark.parametrize(
    ("also", "left"), [("", "kernel"), ("sys.modules['ecert.sm2.kernel._verify'] = None", "python")]
)
def test_without_libcrypto_verification_works_and_signing_says_what_to_install(also: str, left: str) -> None:
    program = (
        f"import sys; {also}\n"
        "from ecert.sm2 import libcrypto, PublicKey, PrivateKey, verify_engine\n"
        "libcrypto._LIBRARIES.clear()\n"
        f"PublicKey.from_point(bytes.fromhex('{POINT.hex()}')).verify(bytes.fromhex('{GOOD.hex()}'), {MESSAGE!r})\n"
        "print(verify_engine().name)\n"
        "PrivateKey.generate()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == left
    assert "engine-missing" in done.stderr
    assert "ECERT_ENGINE=gmssl" in done.stderr


def test_two_children_after_a_fork_never_share_a_nonce() -> None:
    program = (
        "import os, sys\nfrom ecert.sm2 import PrivateKey\nkey = PrivateKey.generate(); key.sign(b'warm')\n"
        "for _ in range(2):\n    if os.fork() == 0:\n"
        "        sys.stdout.write(key.sign(b'same').hex() + '\\n'); sys.stdout.flush(); os._exit(0)\n"
        "os.wait(); os.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second = (decode_der(bytes.fromhex(line)) for line in done.stdout.split())
    assert first[0] != second[0]


def test_threads_share_a_key() -> None:
    def work(turn: int) -> None:
        message = str(turn).encode()
        KEY.public_key.verify(KEY.sign(message), message)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    assert os.getpid()
