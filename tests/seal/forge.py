"""Seals and sealings as other software writes them: versions 1 and 5, digest lists, both deviations, raw values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecert import der_encoding as enc
from ecert.seal import Seal, SealPicture, SealRequest, apply_seal, make_seal
from ecert.sm2 import PrivateKey, decode_der, encode_raw, sm3

from .world import DAY, NOW, YEAR, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

SIGNATURE_XML = b"<ofd:Signature/>"
PROPERTY = "/Doc_0/Signs/Sign_0/Signature.xml"
ALGORITHM = enc.oid("1.2.156.10197.1.501")
PICTURE = SealPicture("PNG", b"\x89PNG of a round red seal", 42, 42)
EXTENSION = enc.sequence(enc.sequence(enc.oid("1.2.156.10197.6.7.2.2.1"), enc.boolean(value=False), enc.octets(b"2.1")))


def request(world: World, **changes: object) -> SealRequest:
    values: dict[str, object] = {
        "code": "44000000000001",
        "kind": 1,
        "name": "样例省市场监督管理局",
        "certificates": (world.certificates["department"].der,),
        "created": NOW - DAY,
        "not_before": NOW - DAY,
        "not_after": NOW + YEAR,
        "picture": PICTURE,
    }
    return SealRequest(**(values | changes))  # type: ignore[arg-type]


def seal(world: World, **changes: object) -> Seal:
    return make_seal(request(world, **changes), signer=world.keys["maker"], certificate=world.certificates["maker"])


def sealing(
    world: World, *, at: datetime = NOW, time_stamp: Callable[[bytes], bytes] | None = None, of: Seal | None = None
) -> bytes:
    return apply_seal(
        of or seal(world),
        sm3(SIGNATURE_XML),
        PROPERTY,
        signer=world.keys["department"],
        certificate=world.certificates["department"],
        at=at,
        time_stamp=time_stamp,
    ).der


def raw(key: PrivateKey, message: bytes) -> bytes:
    return encode_raw(*decode_der(key.sign(message)))


def plain(key: PrivateKey, message: bytes) -> bytes:
    return key.sign(message)


@dataclass
class Forge:
    """Writes structures of any version; every part can be replaced."""

    world: World
    version: int = 4
    listed: bytes | None = None
    list_type: int = 1
    extensions: bytes = b""
    signed_extensions: bytes = b""
    created: datetime = NOW - DAY
    not_before: datetime = NOW - DAY
    not_after: datetime = NOW + YEAR
    time: bytes = enc.generalized_time(NOW)
    signs: Callable[[PrivateKey, bytes], bytes] = plain
    maker_signs: Callable[[PrivateKey, bytes], bytes] = plain
    seal_stamp: Callable[[bytes], bytes] | None = None
    construction: int | None = None
    header: bytes = b"ES"
    who: str = "department"
    maker: str = "maker"
    data: bytes = SIGNATURE_XML

    @property
    def is_v1(self) -> bool:
        return self.version == 1

    def info(self) -> bytes:
        write = enc.utc_time if self.is_v1 else enc.generalized_time
        listed = enc.sequence(enc.octets(self.world.certificates[self.who].der)) if self.listed is None else self.listed
        return enc.sequence(
            enc.sequence(enc.element(0x16, self.header), enc.integer(self.version), enc.ia5("vendor")),
            enc.ia5("33010600000001"),
            enc.sequence(
                enc.integer(3),
                enc.utf8("样例印章"),
                b"" if self.is_v1 else enc.integer(self.list_type),
                listed,
                *(write(at) for at in (self.created, self.not_before, self.not_after)),
            ),
            enc.sequence(enc.ia5("png"), enc.octets(b"picture"), enc.integer(30), enc.integer(20)),
            self.extensions,
        )

    def seal(self) -> bytes:
        info, key = self.info(), self.world.keys[self.maker]
        certificate = enc.octets(self.world.certificates[self.maker].der)
        first = enc.sequence(info, certificate, ALGORITHM)
        value = self.maker_signs(key, first if (self.construction or self.version) == 1 else info)
        if self.is_v1:
            return enc.sequence(info, enc.sequence(certificate, ALGORITHM, enc.bits(value)))
        stamp = b"" if self.seal_stamp is None else enc.explicit(0, enc.bits(self.seal_stamp(value)))
        return enc.sequence(info, certificate, ALGORITHM, enc.bits(value), stamp)

    def sealing(self) -> bytes:
        key, certificate = self.world.keys[self.who], enc.octets(self.world.certificates[self.who].der)
        signed = enc.sequence(
            enc.integer(self.version),
            self.seal(),
            enc.bits(self.time) if self.is_v1 else self.time,
            enc.bits(sm3(self.data)),
            enc.ia5(PROPERTY),
            certificate + ALGORITHM if self.is_v1 else self.signed_extensions,
        )
        value = enc.bits(self.signs(key, signed))
        return enc.sequence(signed, value) if self.is_v1 else enc.sequence(signed, certificate, ALGORITHM, value)
