from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert.errors import CustodyError, MalformedError, Reason, RejectedError
from ecert.sm2 import Place, Vault, hmac_sm3
from ecert.sm2.sm4 import MAX_PLAIN, decrypt_gcm, encrypt_gcm

OLD, NEW = bytes(range(16)), bytes(range(16, 32))
INDEX = bytes(range(32, 64))
PLACE = Place("licences", "17", "holder_code")
VAULT = Vault({1: OLD, 2: NEW}, 2, INDEX)


def test_sm4_gcm_gives_the_values_of_rfc_8998() -> None:
    key, nonce = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), bytes.fromhex("00001234567800000000ABCD")
    additional = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = b"".join(bytes((value,)) * 8 for value in b"\xaa\xbb\xcc\xdd\xee\xff\xee\xaa")
    sealed = bytes.fromhex(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert encrypt_gcm(key, nonce, plain, additional) == sealed
    assert decrypt_gcm(key, nonce, sealed, additional) == plain


def test_hmac_sm3_gives_the_values_of_gm_t_0042() -> None:
    text = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2
    tag = "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a"
    assert hmac_sm3(bytes(range(1, 33)), text).hex() == tag
    tag = "220bf579ded555393f0159f66c99877822a3ecf610d1552154b41d44b94db3ae"
    assert hmac_sm3(bytes(range(1, 38)), b"\xcd" * 50).hex() == tag


@settings(deadline=None)
@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_what_is_encrypted_for_a_place_opens_there(plain: bytes, table: str, row: str, column: str) -> None:
    place = Place(table, row, column)
    sealed = VAULT.encrypt(plain, place)
    assert VAULT.decrypt(sealed, place) == plain
    assert len(sealed) == len(plain) + 31
    assert sealed[:3] == b"\x01\x00\x02"


def test_two_encryptions_of_one_value_have_nothing_in_common_but_their_head() -> None:
    one, other = VAULT.encrypt(b"4401", PLACE), VAULT.encrypt(b"4401", PLACE)
    assert one[:3] == other[:3]
    assert one[3:15] != other[3:15]
    assert one[15:] != other[15:]


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("receipts", "17", "holder_code"),
        Place("licences", "18", "holder_code"),
        Place("licences", "17", "holder_name"),
        Place("licences1", "7", "holder_code"),
        Place("licence", "s17", "holder_code"),
        Place("licences", "17h", "older_code"),
    ],
)
def test_a_value_moved_to_another_place_does_not_open(elsewhere: Place) -> None:
    with pytest.raises(RejectedError) as caught:
        VAULT.decrypt(VAULT.encrypt(b"4401", PLACE), elsewhere)
    assert caught.value.reason is Reason.CIPHERTEXT_BAD


def test_no_byte_can_be_altered() -> None:
    sealed = VAULT.encrypt(b"91440101DEMX00014D", PLACE)
    for at in range(len(sealed)):
        for bit in range(8):
            altered = sealed[:at] + bytes((sealed[at] ^ 1 << bit,)) + sealed[at + 1 :]
            with pytest.raises((RejectedError, MalformedError, CustodyError)):
                VAULT.decrypt(altered, PLACE)


def test_the_key_version_is_authenticated() -> None:
    same = Vault({1: OLD, 2: NEW}, 1, INDEX).encrypt(b"x", PLACE)
    with pytest.raises(RejectedError):
        Vault({1: NEW, 2: OLD}, 1, INDEX).decrypt(b"\x01\x00\x02" + same[3:], PLACE)


@pytest.mark.parametrize("length", range(31))
def test_what_is_cut_short_is_malformed(length: int) -> None:
    with pytest.raises(MalformedError) as caught:
        VAULT.decrypt(VAULT.encrypt(b"", PLACE)[:length], PLACE)
    assert caught.value.reason is Reason.CIPHERTEXT_MALFORMED


def test_another_format_is_malformed() -> None:
    with pytest.raises(MalformedError):
        VAULT.needs_rotation(b"\x02" + VAULT.encrypt(b"x", PLACE)[1:])


def test_after_a_rotation_old_values_open_and_ask_to_be_written_anew() -> None:
    before = Vault({1: OLD}, 1, INDEX)
    sealed = before.encrypt(b"4401", PLACE)
    assert not before.needs_rotation(sealed)
    assert VAULT.needs_rotation(sealed)
    renewed = VAULT.encrypt(VAULT.decrypt(sealed, PLACE), PLACE)
    assert not VAULT.needs_rotation(renewed)
    with pytest.raises(CustodyError) as caught:
        before.decrypt(renewed, PLACE)
    assert caught.value.reason is Reason.VAULT_KEY_MISSING
    assert before.blind_index("4401", "holder") == VAULT.blind_index("4401", "holder")


@pytest.mark.parametrize(
    ("keys", "current", "index"),
    [
        ({1: OLD}, 2, INDEX),
        ({}, 1, INDEX),
        ({0: OLD}, 0, INDEX),
        ({1: OLD, 65536: NEW}, 1, INDEX),
        ({1: OLD + b"x"}, 1, INDEX),
        ({1: OLD, 2: OLD}, 1, INDEX),
        ({1: OLD}, 1, INDEX[:16]),
    ],
)
def test_unusable_keys_are_refused(keys: dict[int, bytes], current: int, index: bytes) -> None:
    with pytest.raises(CustodyError) as caught:
        Vault(keys, current, index)
    assert caught.value.reason is Reason.VAULT_KEY_UNUSABLE


def test_what_is_longer_than_any_file_is_refused() -> None:
    with pytest.raises(MalformedError) as caught:
        VAULT.encrypt(bytes(MAX_PLAIN + 1), PLACE)
    assert caught.value.reason is Reason.TOO_LARGE


def test_a_blind_index_is_of_one_value_one_purpose_and_one_key() -> None:
    index = VAULT.blind_index("440101199001011239", "licences.holder_code")
    assert len(index) == 16
    assert index == VAULT.blind_index("440101199001011239", "licences.holder_code")
    assert index != VAULT.blind_index("44010119900101123X", "licences.holder_code")
    assert index != VAULT.blind_index("440101199001011239", "receipts.holder_code")
    assert index != Vault({1: OLD}, 1, INDEX[::-1]).blind_index("440101199001011239", "licences.holder_code")


def test_a_vault_shows_no_key_and_stays_in_its_process() -> None:
    for key in (OLD, NEW, INDEX):
        assert key.hex() not in repr(VAULT)
        assert repr(key) not in repr(VAULT)
    with pytest.raises(TypeError):
        pickle.dumps(VAULT)
