from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ecert import ber, cms, der
from ecert import der_encoding as enc
from ecert.cms.structure import CONTENT_TYPE, MESSAGE_DIGEST
from ecert.errors import CustodyError, MalformedError, Reason, RejectedError
from ecert.sm2 import sm3
from ecert.x509.schema import SM2_WITH_SM3

from .bouncycastle import ask, flip, needs_bouncycastle
from .world import NOW, World

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"<ofd:Signature/>"


def sign(world: World, *, carry: bool = True) -> bytes:
    return cms.sign(
        CONTENT,
        signer=world.keys["department"],
        certificate=world.certificates["department"],
        carry=carry,
        attributes=[cms.signing_time(NOW)],
    )


def forge(
    world: World,
    carried: bytes | None,
    *,
    kind: str = cms.GM_SIGNED_DATA,
    content_type: str = cms.DATA,
    attributes: bytes | None = None,
    signed: bytes | None = None,
    algorithm: bytes = SM2_WITH_SM3,
    digest: bytes = cms.SM3_ALGORITHM,
    certificates: tuple[str, ...] = ("department",),
    key_id: bytes | None = None,
) -> bytes:
    """Signed data as others write it; without attributes, the signature is over the content."""
    certificate = world.certificates["department"]
    message = signed if signed is not None else (b"" if attributes is None else b"\x31" + attributes[1:])
    who = (
        enc.sequence(certificate.issuer, enc.integer(certificate.serial))
        if key_id is None
        else enc.element(0x80, key_id)
    )
    info = enc.sequence(
        enc.integer(1),
        who,
        digest,
        *(() if attributes is None else (attributes,)),
        algorithm,
        enc.octets(world.keys["department"].sign(message)),
    )
    body = enc.sequence(
        enc.integer(1),
        enc.set_of(digest),
        enc.sequence(enc.oid(content_type), *(() if carried is None else (enc.explicit(0, enc.octets(carried)),))),
        enc.explicit(0, *(world.certificates[name].der for name in certificates)),
        enc.set_of(info),
    )
    return enc.sequence(enc.oid(kind), enc.explicit(0, body))


def attributes(digest: bytes, kind: str = cms.DATA) -> bytes:
    parts = cms.attribute(CONTENT_TYPE, enc.oid(kind)), cms.attribute(MESSAGE_DIGEST, enc.octets(digest))
    return b"\xa0" + enc.set_of(*parts)[1:]


def reason(data: bytes, content: bytes | None = None) -> Reason:
    with pytest.raises((MalformedError, RejectedError)) as caught:
        cms.verify(cms.SignedData.decode(data), content)
    return caught.value.reason


@pytest.mark.parametrize("carry", [True, False])
def test_what_is_signed_here_verifies_and_says_who_and_when(world: World, *, carry: bool) -> None:
    (signer,) = cms.verify(cms.SignedData.decode(sign(world, carry=carry)), CONTENT)
    assert signer.certificate == world.certificates["department"]
    assert signer.signing_time == NOW


def test_content_carried_needs_not_be_given(world: World) -> None:
    signed = cms.SignedData.decode(sign(world))
    assert signed.content == CONTENT
    assert cms.verify(signed)
    assert reason(sign(world, carry=False)) is Reason.SIGNED_DATA_MISMATCH


@pytest.mark.parametrize("kind", [cms.GM_SIGNED_DATA, cms.SIGNED_DATA])
@pytest.mark.parametrize("content_type", [cms.GM_DATA, cms.DATA])
def test_both_vocabularies_are_read(world: World, kind: str, content_type: str) -> None:
    data = forge(world, CONTENT, kind=kind, content_type=content_type, attributes=attributes(sm3(CONTENT), cms.GM_DATA))
    assert cms.verify(cms.SignedData.decode(data), CONTENT)


def test_without_attributes_the_signature_is_over_the_carried_digest(world: World) -> None:
    digest = sm3(CONTENT)
    data = forge(world, digest, signed=digest)
    assert cms.verify(cms.SignedData.decode(data), CONTENT)
    assert reason(data, b"another") is Reason.SIGNED_DATA_MISMATCH
    assert reason(forge(world, digest, signed=CONTENT), CONTENT) is Reason.SIGNATURE_BAD


@pytest.mark.parametrize("twice", [False, True])
def test_a_digest_carried_beside_attributes_may_be_what_they_name(world: World, *, twice: bool) -> None:
    digest = sm3(CONTENT)
    data = forge(world, digest, attributes=attributes(sm3(digest) if twice else digest))
    assert cms.verify(cms.SignedData.decode(data), CONTENT)


@pytest.mark.parametrize("oid", ["1.2.156.10197.1.501", "1.2.156.10197.1.301.1", "1.2.156.10197.1.301"])
@pytest.mark.parametrize("parameters", [b"", b"\x05\x00"])
def test_the_three_names_of_sm2_with_sm3_are_read(world: World, oid: str, parameters: bytes) -> None:
    algorithm = enc.sequence(enc.oid(oid), parameters)
    data = forge(world, CONTENT, attributes=attributes(sm3(CONTENT)), algorithm=algorithm)
    assert cms.verify(cms.SignedData.decode(data), CONTENT)


def test_a_signer_named_by_key_identifier_is_found(world: World) -> None:
    key_id = world.certificates["department"].meaning.subject_key_id
    data = forge(
        world, CONTENT, attributes=attributes(sm3(CONTENT)), key_id=key_id, certificates=("region", "department")
    )
    assert cms.verify(cms.SignedData.decode(data))[0].certificate == world.certificates["department"]


def test_every_refusal_has_its_reason(world: World) -> None:
    good = attributes(sm3(CONTENT))
    assert reason(forge(world, CONTENT, attributes=good, certificates=("other",))) is Reason.SIGNED_DATA_NO_SIGNER
    assert reason(forge(world, b"x", attributes=good)) is Reason.SIGNED_DATA_MISMATCH
    assert reason(forge(world, CONTENT, attributes=good), b"x") is Reason.SIGNED_DATA_MISMATCH
    other_type = attributes(sm3(CONTENT), "1.2.3")
    assert reason(forge(world, CONTENT, attributes=other_type)) is Reason.SIGNED_DATA_MISMATCH
    assert reason(forge(world, CONTENT, attributes=good, signed=CONTENT)) is Reason.SIGNATURE_BAD
    ecdsa = enc.sequence(enc.oid("1.2.840.10045.4.3.2"))
    assert reason(forge(world, CONTENT, attributes=good, algorithm=ecdsa)) is Reason.SIGNED_DATA_ALGORITHM
    sha256 = enc.sequence(enc.oid("2.16.840.1.101.3.4.2.1"))
    assert reason(forge(world, CONTENT, attributes=good, digest=sha256)) is Reason.SIGNED_DATA_ALGORITHM
    only_type = b"\xa0" + enc.set_of(cms.attribute(CONTENT_TYPE, enc.oid(cms.DATA)))[1:]
    assert reason(forge(world, CONTENT, attributes=only_type)) is Reason.SIGNED_DATA_MALFORMED
    assert reason(forge(world, CONTENT, attributes=b"\xa0\x00")) is Reason.SIGNED_DATA_MALFORMED


def test_attributes_passed_off_as_content_do_not_verify(world: World) -> None:
    """The signature over attributes is over a SET; whoever strips them and shows the SET as the content gains data
    nobody meant, but never with a content of the attacker's choice."""
    signed = b"\x31" + attributes(sm3(CONTENT))[1:]
    data = forge(world, signed, signed=signed)
    assert reason(data, CONTENT) is Reason.SIGNED_DATA_MISMATCH


def test_a_certificate_of_another_key_does_not_sign(world: World) -> None:
    with pytest.raises(CustodyError):
        cms.sign(CONTENT, signer=world.keys["other"], certificate=world.certificates["department"])


def test_no_single_changed_byte_of_content_or_attributes_verifies(world: World) -> None:
    data = sign(world)
    start = data.index(CONTENT)
    signed = cms.SignedData.decode(data).signers[0].signed_attributes
    assert signed is not None
    attributes_at = data.index(signed[4:])
    for at in [*range(start, start + len(CONTENT)), *range(attributes_at, attributes_at + len(signed) - 4)]:
        reason(flip(data, at), CONTENT)


def streamed(data: bytes) -> bytes:
    """Write DER as BER: every constructed element with an indefinite length, OCTET STRINGs in two pieces."""
    element = der.read_one(data)
    if element.tag & 0x20:
        parts = b"".join(streamed(one.der) for one in element.children().rest())
        return bytes((element.tag, 0x80)) + parts + b"\x00\x00"
    if element.tag == der.OCTET_STRING:
        half = len(element.content) // 2
        pieces = enc.octets(element.content[:half]) + enc.octets(element.content[half:])
        return b"\x24\x80" + pieces + b"\x00\x00"
    return data


def test_definite_form_undoes_streaming_and_leaves_der_alone(world: World) -> None:
    data = sign(world)
    assert ber.definite(data, limit=len(data)) == data
    assert ber.definite(streamed(data), limit=1 << 20) == data
    assert cms.verify(cms.SignedData.decode(streamed(data)), CONTENT)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x80\x00",
        b"\x04\x80\x00\x00",
        b"\x24\x80\x02\x01\x00\x00\x00",
        b"\x30\x85\x01\x00\x00\x00\x00",
        b"\x30\x02\x30\x80\x00\x00",
        b"\x30\x00\x00",
        b"\x1f\x00",
        b"\x30\x80" * 1000,
    ],
)
def test_broken_ber_is_refused(data: bytes) -> None:
    with pytest.raises(der.DerError):
        ber.definite(data, limit=10_000)


@needs_bouncycastle
def test_bouncycastle_verifies_ours_and_we_verify_bouncycastles(world: World, tmp_path: Path) -> None:
    changed = sign(world)
    files = {
        "carried": sign(world),
        "detached": sign(world, carry=False),
        "changed": flip(changed, changed.index(CONTENT)),
        "content": CONTENT,
        "key.der": world.keys["department"].to_pkcs8(),
        "certificate.der": world.certificates["department"].der,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert ask(
        tmp_path,
        "cms:carried",
        "cms:detached:content",
        "cms:changed",
        "make-cms:theirs:content:true",
        "make-cms:theirs-detached:content:false",
    ) == [
        f"ok {cms.GM_DATA} 1",
        f"ok {cms.GM_DATA} 1",
        "refused CMSSignerDigestMismatchException",
        "ok theirs",
        "ok theirs-detached",
    ]
    for form in ("ber", "der"):
        for name in ("theirs", "theirs-detached"):
            signed = cms.SignedData.decode((tmp_path / f"{name}.{form}").read_bytes())
            assert cms.verify(signed, CONTENT)[0].certificate == world.certificates["department"]
