"""Opening one key file: what is accepted, and every refusal by name."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from ecert.errors import CustodyError, EcertError, MalformedError, Reason
from ecert.sm2 import PrivateKey
from keys.private_files import MAX_KEY_FILE
from keys.signer import load_signer
from tests.keys.conftest import leaf, nobody

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return PrivateKey.generate()


@pytest.fixture(scope="module")
def pem(key: PrivateKey) -> bytes:
    return key.to_pem(leaf())


def write(path: Path, data: bytes, mode: int = 0o600) -> str:
    path.write_bytes(data)
    path.chmod(mode)
    return f"file:{path}"


def refused(uri: str, passphrase: bytes = b"") -> EcertError:
    with pytest.raises(EcertError) as caught:
        load_signer(uri, passphrase=lambda: passphrase)
    return caught.value


def test_an_encrypted_key_signs_what_its_public_key_verifies(tmp_path: Path, key: PrivateKey, pem: bytes) -> None:
    signer = load_signer(write(tmp_path / "x.key.pem", pem), passphrase=leaf)
    assert signer.public_key == key.public_key
    key.public_key.verify(signer.sign(b"tbs"), b"tbs")


def test_a_plain_key_of_mode_0600_is_read_and_nobody_is_asked(tmp_path: Path, key: PrivateKey) -> None:
    assert load_signer(write(tmp_path / "x", key.to_pem()), passphrase=nobody).public_key == key.public_key


def test_a_relative_path_starts_at_the_working_directory(
    tmp_path: Path, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "x.pem", key.to_pem())
    monkeypatch.chdir(tmp_path)
    assert load_signer("file:x.pem", passphrase=nobody).public_key == key.public_key


def test_three_slashes_name_an_absolute_path(tmp_path: Path, key: PrivateKey) -> None:
    write(tmp_path / "x.pem", key.to_pem())
    assert load_signer(f"file://{tmp_path}/x.pem", passphrase=nobody).public_key == key.public_key


@pytest.mark.parametrize("uri", ["", "file:", "keys/x.pem", "sdf:0/1", "https://x/y", "file://host/x"])
def test_another_scheme_is_refused_with_what_is_supported(uri: str) -> None:
    error = refused(uri)
    assert isinstance(error, CustodyError)
    assert "file:PATH" in error.detail


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    error = refused(f"file:{tmp_path}/none.pem")
    assert error.reason is Reason.KEY_NOT_FOUND
    assert f"{tmp_path}/none.pem" in error.detail


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o610, 0o660])
def test_a_key_file_open_to_others_is_refused_and_the_remedy_named(tmp_path: Path, pem: bytes, mode: int) -> None:
    path = tmp_path / "x.key.pem"
    error = refused(write(path, pem, mode), leaf())
    assert error.reason is Reason.KEY_FILE_EXPOSED
    assert f"chmod 600 {path}" in error.detail


def test_a_link_to_an_exposed_file_does_not_hide_it(tmp_path: Path, pem: bytes) -> None:
    write(tmp_path / "x", pem, 0o644)
    (tmp_path / "link").symlink_to(tmp_path / "x")
    assert refused(f"file:{tmp_path}/link", leaf()).reason is Reason.KEY_FILE_EXPOSED


def test_a_directory_and_a_pipe_are_not_key_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refused(f"file:{tmp_path}/pipe").reason is Reason.KEY_FILE_MALFORMED
    assert refused(f"file:{tmp_path}").reason is Reason.KEY_FILE_MALFORMED


def test_a_wrong_passphrase_is_told_with_the_file(tmp_path: Path, pem: bytes) -> None:
    error = refused(write(tmp_path / "x", pem), b"not this one at all")
    assert error.reason is Reason.PASSPHRASE_WRONG
    assert str(tmp_path / "x") in error.detail


def test_an_empty_passphrase_opens_nothing(tmp_path: Path, pem: bytes) -> None:
    assert refused(write(tmp_path / "x", pem), b"").reason is Reason.PASSPHRASE_MISSING


def test_an_oversized_file_is_refused_unread(tmp_path: Path, pem: bytes) -> None:
    assert refused(write(tmp_path / "x", pem + b"\n" * MAX_KEY_FILE)).reason is Reason.KEY_FILE_MALFORMED


def test_a_file_cut_anywhere_is_malformed_and_nobody_is_asked(tmp_path: Path, pem: bytes) -> None:
    for length in range(0, len(pem.rstrip()), 7):
        uri = write(tmp_path / "x", pem[:length])
        with pytest.raises(MalformedError, match="key-file-malformed"):
            load_signer(uri, passphrase=nobody)


@pytest.mark.parametrize(
    "text",
    [
        b"\x00" * 64,
        b"-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nMAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n",
    ],
)
def test_garbage_is_malformed(tmp_path: Path, text: bytes) -> None:
    assert refused(write(tmp_path / "x", text)).reason is Reason.KEY_FILE_MALFORMED


def test_garbage_inside_an_encrypted_block_is_malformed(tmp_path: Path) -> None:
    text = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
    assert refused(write(tmp_path / "x", text), leaf()).reason is Reason.KEY_FILE_MALFORMED


def test_a_key_with_text_after_it_is_malformed(tmp_path: Path, key: PrivateKey) -> None:
    assert refused(write(tmp_path / "x", key.to_pem() + key.to_pem())).reason is Reason.KEY_FILE_MALFORMED


@pytest.mark.parametrize("algorithm", [["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["ED25519"], ["RSA"]])
def test_a_key_of_another_algorithm_is_refused(tmp_path: Path, algorithm: list[str]) -> None:
    made = subprocess.run(["openssl", "genpkey", "-algorithm", *algorithm], capture_output=True, check=True)
    assert refused(write(tmp_path / "x", made.stdout)).reason is Reason.KEY_FILE_MALFORMED


def test_openssl_reads_a_key_exported_plain(tmp_path: Path, key: PrivateKey) -> None:
    write(tmp_path / "x", key.to_pem())
    shown = subprocess.run(
        ["openssl", "pkey", "-in", tmp_path / "x", "-pubout", "-outform", "DER"], capture_output=True, check=True
    )
    assert shown.stdout == key.public_key.spki


def test_a_key_that_openssl_encrypted_is_read(tmp_path: Path, key: PrivateKey) -> None:
    write(tmp_path / "x", key.to_pem())
    command = ["openssl", "pkcs8", "-topk8", "-in", str(tmp_path / "x"), "-v2", "sm4-cbc", "-passout", "env:PHRASE"]
    made = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PHRASE": "opensesame"})
    uri = write(tmp_path / "y", made.stdout)
    assert load_signer(uri, passphrase=lambda: b"opensesame").public_key == key.public_key
