"""What is read on a short path is read as on the long one, for everything that is nearly right."""

from __future__ import annotations

import random
import struct

import pytest

from ecert import envelope
from ecert.envelope import Kind
from ecert.errors import MalformedError
from ecert.licence.identifier import Identifier
from ecert.licence.packing import pack_identifier, unpack_identifier
from ecert.qr import ALPHABET, _decode_in_python, decode_base41, encode_base41
from ecert.sm2 import PrivateKey, decode_raw

KEY = PrivateKey.generate()
CHANCE = random.Random(9)  # noqa: S311
FACES = [
    envelope.seal(Kind.FACE, CHANCE.randbytes(size), KEY).encode() for size in (0, 1, 23, 24, 100, 255, 256, 257, 900)
]
HEADS = (0x40, 0x41, 0x57, 0x58, 0x59, 0x5A, 0x80, 0x84, 0xA0, 0xA2, 0xFF)


def long_way(data: bytes) -> envelope.Envelope | None:
    """Read as every other kind is read: decoded whole, and encoded again."""
    try:
        found = envelope._decode_any(data, 4096)
        decode_raw(found.signature)
    except MalformedError:
        return None
    return found


def read(data: bytes) -> envelope.Envelope | None:
    try:
        return envelope.decode(data, limit=4096)
    except MalformedError:
        return None


@pytest.mark.parametrize("face", FACES, ids=len)
def test_a_face_is_read_alike_on_both_ways_whatever_byte_is_changed_cut_or_put_in(face: bytes) -> None:
    assert read(face) == long_way(face) is not None
    for at in range(len(face)):
        changed = [face[:at] + bytes((value,)) + face[at + 1 :] for value in (*HEADS, face[at] ^ 1)]
        for other in (*changed, face[:at], face[:at] + face[at + 1 :], face[:at] + b"\x58" + face[at:]):
            assert read(other) == long_way(other)


def test_every_other_kind_goes_the_long_way() -> None:
    for kind in Kind:
        made = envelope.seal(kind, b"content", KEY).encode()
        found = read(made)
        assert found is not None
        assert found.kind is kind
        assert found == long_way(made)


def slowly(text: str) -> bytes | None:
    """Read base-41 group by group, as its definition says."""
    groups = [text[at : at + 3] for at in range(0, len(text), 3)]
    data = b""
    try:
        for group in groups:
            value = sum(ALPHABET.index(character) * 41**place for place, character in enumerate(group))
            data += struct.pack({3: ">H", 2: ">B"}[len(group)], value)
    except (ValueError, KeyError, struct.error):
        return None
    return data


def test_base41_is_read_as_its_definition_says() -> None:
    assert decode_base41("") == _decode_in_python("") == b""
    long = CHANCE.randbytes(5000)
    assert decode_base41(encode_base41(long)) == long
    for turn in range(4000):
        text = encode_base41(CHANCE.randbytes(CHANCE.randrange(12)))
        text += "".join(CHANCE.choices(ALPHABET + "_:é", k=CHANCE.randrange(4) if turn % 3 == 0 else 0))
        for decode in (decode_base41, _decode_in_python):
            try:
                found: bytes | None = decode(text)
            except MalformedError:
                found = None
            assert found == slowly(text), text


def test_serials_of_every_length_are_read_back() -> None:
    for length in range(1, 33):
        for serial in (
            "0" * length,
            "Z" * length,
            "".join(CHANCE.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=length)),
        ):
            made = Identifier("11100000MB0341032Y001", "11440000DEMG100223", serial, CHANCE.randrange(1, 1000))
            assert unpack_identifier(pack_identifier(made), made.issuer_code) == made
