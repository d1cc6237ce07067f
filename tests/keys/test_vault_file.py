"""The file with the key of data at rest: its versions, its passphrase, and every refusal by name."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from ecert.errors import EcertError, Reason
from ecert.sm2 import Place
from ecert.sm2.passphrase import decrypt_secret, encrypt_secret
from keys.vault_file import MAX_VERSIONS, new_keys, open_vault_file, write_vault_file
from keys.vaults import load_vault
from tests.keys.conftest import leaf, nobody

if TYPE_CHECKING:
    from pathlib import Path

    from keys.vault_file import VaultKeys

PLACE = Place("table", "row", "column")


def reason(work: object, *arguments: object, **more: object) -> Reason:
    assert callable(work)
    with pytest.raises(EcertError) as caught:
        work(*arguments, **more)
    return caught.value.reason


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "ledger.vault"
    write_vault_file(file, new_keys(), leaf(), replacing=False)
    return file


def test_what_was_encrypted_before_a_rotation_opens_after_it_and_not_after_the_version_went(file: Path) -> None:
    before = load_vault(f"file:{file}", passphrase=leaf)
    sealed, index = before.encrypt(b"x", PLACE), before.blind_index("x", "y")
    write_vault_file(file, open_vault_file(file, leaf).rotated(), leaf(), replacing=True)
    after = load_vault(f"file:{file}", passphrase=leaf)
    assert (after.versions, after.current, after.decrypt(sealed, PLACE)) == ((1, 2), 2, b"x")
    assert after.blind_index("x", "y") == index
    assert after.needs_rotation(sealed)
    write_vault_file(file, open_vault_file(file, leaf).retired(1), leaf(), replacing=True)
    gone = load_vault(f"file:{file}", passphrase=leaf)
    assert reason(gone.decrypt, sealed, PLACE) is Reason.VAULT_KEY_MISSING
    assert gone.decrypt(after.encrypt(b"x", PLACE), PLACE) == b"x"


def test_the_file_is_its_owners_alone_shows_no_key_and_takes_no_place(file: Path) -> None:
    keys = open_vault_file(file, leaf)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert keys.index_key not in content
    assert keys.index_key.hex() not in repr(keys)
    assert reason(write_vault_file, file, keys, leaf(), replacing=False) is Reason.KEY_EXISTS
    assert file.read_bytes() == content
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_file_that_is_exposed_altered_missing_or_something_else_is_refused(file: Path, tmp_path: Path) -> None:
    good = file.read_bytes()
    assert reason(open_vault_file, file, lambda: b"another passphrase") is Reason.PASSPHRASE_WRONG
    assert reason(write_vault_file, tmp_path / "x", new_keys(), b"", replacing=False) is Reason.PASSPHRASE_MISSING
    for at in range(15, len(good), 9):
        file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert reason(open_vault_file, file, leaf) is Reason.PASSPHRASE_WRONG
    for content in (b"", good[:20], b"x" * 48, good + bytes(5000)):
        file.write_bytes(content)
        assert reason(open_vault_file, file, leaf) is Reason.KEY_FILE_MALFORMED
    file.write_bytes(encrypt_secret(b"\x83\x01\xa0\x40", leaf()))
    assert reason(open_vault_file, file, leaf) is Reason.VAULT_KEY_UNUSABLE
    file.write_bytes(encrypt_secret(b"anything", leaf()))
    assert reason(open_vault_file, file, leaf) is Reason.KEY_FILE_MALFORMED
    file.chmod(0o644)
    assert reason(open_vault_file, file, nobody) is Reason.KEY_FILE_EXPOSED
    assert reason(open_vault_file, tmp_path / "none", nobody) is Reason.KEY_NOT_FOUND
    assert reason(load_vault, "sdf:1", passphrase=nobody) is Reason.USAGE


def test_versions_are_bounded_and_the_one_in_use_stays() -> None:
    keys: VaultKeys = new_keys()
    for _ in range(MAX_VERSIONS - 1):
        keys = keys.rotated()
    assert reason(keys.rotated) is Reason.VAULT_KEY_UNUSABLE
    assert keys.retired(1).rotated().current == MAX_VERSIONS + 1
    for version in (keys.current, MAX_VERSIONS + 5):
        assert reason(keys.retired, version) is Reason.VAULT_KEY_UNUSABLE


def test_a_secret_opens_with_its_passphrase_and_never_looks_the_same() -> None:
    assert decrypt_secret(encrypt_secret(b"secret", leaf()), leaf()) == b"secret"
    assert encrypt_secret(b"secret", leaf()) != encrypt_secret(b"secret", leaf())


def test_a_vault_does_not_take_over_the_keys_of_another_ledger() -> None:
    mine = new_keys().vault
    assert reason(mine.adopt, new_keys().vault) is Reason.VAULT_KEY_UNUSABLE
