"""SM2 keys and signatures in TUF metadata."""

from __future__ import annotations

from typing import Any

import pytest
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key, Signature

from ecert.sm2 import PrivateKey
from ecert.trust.tuf_keys import Sm2Key, Sm2Signer

PRIVATE = PrivateKey.generate()
SIGNER = Sm2Signer(PRIVATE)
KEY = SIGNER.public_key
MESSAGE = b'{"_type":"timestamp"}'


def test_what_a_signer_signs_its_key_verifies() -> None:
    signature = SIGNER.sign(MESSAGE)
    assert len(bytes.fromhex(signature.signature)) == 64
    KEY.verify_signature(signature, MESSAGE)


def test_securesystemslib_reads_the_key_as_it_was_written() -> None:
    key = Key.from_dict(KEY.keyid, KEY.to_dict())
    assert isinstance(key, Sm2Key)
    assert key == KEY
    assert key.sm2 == PRIVATE.public_key


def test_another_message_another_key_or_no_signature_is_not_verified() -> None:
    good = SIGNER.sign(MESSAGE)
    other = Sm2Signer(PrivateKey.generate())
    cases: list[tuple[Key, str, bytes]] = [
        (KEY, good.signature, MESSAGE + b" "),
        (other.public_key, good.signature, MESSAGE),
        (KEY, "", MESSAGE),
        (KEY, "zz", MESSAGE),
        (KEY, good.signature + "00", MESSAGE),
        (KEY, PRIVATE.sign(MESSAGE).hex(), MESSAGE),
        (KEY, "00" * 64, MESSAGE),
    ]
    for key, text, message in cases:
        with pytest.raises(UnverifiedSignatureError):
            key.verify_signature(Signature(key.keyid, text), message)


def test_a_signature_that_is_not_text_is_not_verified() -> None:
    value: Any = 7
    with pytest.raises(UnverifiedSignatureError):
        KEY.verify_signature(Signature(KEY.keyid, value), MESSAGE)


@pytest.mark.parametrize(
    "changes",
    [
        {"keyval": {}},
        {"keyval": {"public": "04" + "00" * 64}},
        {"keyval": {"public": KEY.keyval["public"].upper()}},
        {"keyval": {"public": KEY.keyval["public"][:-2]}},
        {"keyval": {"public": "02" + KEY.keyval["public"][2:66]}},
        {"keyval": {"public": KEY.keyval["public"], "note": 1}},
        {"keyval": {"public": 4}},
        {"keyval": None},
        {"note": 1},
    ],
)
def test_a_key_of_another_form_is_no_key(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="key"):
        Key.from_dict(KEY.keyid, KEY.to_dict() | changes)


def test_a_key_under_an_id_that_is_not_its_own_is_no_key() -> None:
    with pytest.raises(ValueError, match="another id"):
        Key.from_dict("00" * 32, KEY.to_dict())


def test_a_signer_is_never_made_from_a_uri() -> None:
    with pytest.raises(ValueError, match="URI"):
        Sm2Signer.from_priv_key_uri("file:key.pem", KEY)
