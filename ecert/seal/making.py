"""Seals and sealings made here: version 4 (GB/T 38540-2020, domain.md 2.2), checked before they leave."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ecert import der_encoding as enc
from ecert.errors import CustodyError, EcertError, IssuanceError, Reason
from ecert.seal.fields import SM2_WITH_SM3
from ecert.seal.seal import CERTIFICATES, Seal, SealPicture, SealVersion
from ecert.seal.sealing import Sealing
from ecert.seal.verification import (
    require_in_period,
    require_listed,
    verify_maker_signature,
    verify_sealer_signature,
)
from ecert.sm2 import DIGEST_LENGTH
from ecert.x509.schema import require_utc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ecert.sm2 import Signer
    from ecert.x509 import Certificate

VENDOR: Final = "ecert"
"""Vid of the seals we make."""

_MAX_CODE: Final = 64
_MAX_NAME: Final = 200
_MAX_SIDE: Final = 200
_MAX_LISTED: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class SealRequest:
    """What a seal is to say.

    Attributes:
        code: esID, ASCII: 14 digits for seals coded by public security, region and sequence.
        kind: Type number; GA codes 1 法定名称章, 2 财务专用章, 3 发票专用章, 4 合同专用章, 5 名章.
        name: What it is called, at most 200 characters.
        certificates: Whoever may seal with it: certificates in DER, at least one.
        created: When it is made, aware.
        not_before: First instant of use, aware.
        not_after: Last instant of use, aware, inclusive.
        picture: What it looks like.
    """

    code: str
    kind: int
    name: str
    certificates: tuple[bytes, ...]
    created: datetime
    not_before: datetime
    not_after: datetime
    picture: SealPicture

    def require_sound(self) -> None:
        """Refuse what no seal can say.

        Raises:
            IssuanceError: a field is not as described above, or the picture is empty or not 1 to 200 mm wide.
        """
        problem = next((what for what, good in self._rules() if not good), None)
        if problem is not None:
            raise IssuanceError(Reason.SEAL_FIELD_INVALID, problem)

    def _rules(self) -> tuple[tuple[str, bool], ...]:
        picture, sides = self.picture, (self.picture.width, self.picture.height)
        return (
            ("the code has 1 to 64 printable ASCII characters", _is_code(self.code)),
            ("the name has 1 to 200 printable characters", 0 < len(self.name) <= _MAX_NAME and self.name.isprintable()),
            ("the kind of a seal is not negative", self.kind >= 0),
            ("a seal lists 1 to 64 certificates", 0 < len(self.certificates) <= _MAX_LISTED),
            ("the period ends after it begins", self.not_before < self.not_after),
            ("the picture is not empty", bool(picture.data) and _is_code(picture.kind)),
            (
                "the picture is 1 to 200 mm wide and high",
                all(0 < side <= _MAX_SIDE for side in sides),
            ),
        )


def _is_code(text: str) -> bool:
    return 0 < len(text) <= _MAX_CODE and text.isascii() and text.isprintable()


def make_seal(request: SealRequest, *, signer: Signer, certificate: Certificate) -> Seal:
    """Make a seal, signed by its maker.

    Raises:
        IssuanceError: the request is not sound, or the result does not verify.
        CustodyError: the certificate is another key's; or the key failed.
    """
    request.require_sound()
    _require_pair(signer, certificate)
    info = _encode_info(request)
    signature = enc.bits(signer.sign(info))
    der = enc.sequence(info, enc.octets(certificate.der), enc.oid(SM2_WITH_SM3), signature)
    try:
        seal = Seal.decode(der)
        verify_maker_signature(seal)
    except EcertError as error:
        raise IssuanceError(Reason.SELF_CHECK_FAILED, f"the seal just made does not verify: {error}") from error
    return seal


def _require_pair(signer: Signer, certificate: Certificate) -> None:
    if signer.public_key != certificate.public_key:
        raise CustodyError(Reason.KEY_MISMATCH, "the signer's key is not the certificate's")


def _encode_info(request: SealRequest) -> bytes:
    times = (request.created, request.not_before, request.not_after)
    picture = request.picture
    return enc.sequence(
        enc.sequence(enc.ia5("ES"), enc.integer(SealVersion.V4), enc.ia5(VENDOR)),
        enc.ia5(request.code),
        enc.sequence(
            enc.integer(request.kind),
            enc.utf8(request.name),
            enc.integer(CERTIFICATES),
            enc.sequence(*map(enc.octets, request.certificates)),
            *(enc.generalized_time(require_utc(at)) for at in times),
        ),
        enc.sequence(
            enc.ia5(picture.kind), enc.octets(picture.data), enc.integer(picture.width), enc.integer(picture.height)
        ),
    )


def apply_seal(
    seal: Seal,
    data_hash: bytes,
    property_info: str,
    *,
    signer: Signer,
    certificate: Certificate,
    at: datetime,
    time_stamp: Callable[[bytes], bytes] | None = None,
) -> Sealing:
    """Apply a seal (GM/T 0031, 6.2.2 b to h); whether the certificates are believed, the caller has asked before.

    Args:
        seal: The seal, of version 4.
        data_hash: SM3 of what is sealed, 32 bytes; in OFD of Signature.xml.
        property_info: What is sealed, ASCII; in OFD the absolute path of Signature.xml.
        signer: The sealer's key.
        certificate: The sealer's certificate, which the seal must list.
        at: When, aware; written to the second.
        time_stamp: Returns a timestamp token for the bytes it is given, the signature value; None for no timestamp.

    Raises:
        RejectedError: the seal does not verify, is not in its period, or does not list the certificate.
        IssuanceError: a hash, property or certificate that cannot be; or the result does not verify.
        CustodyError: the certificate is another key's; or the key failed.
    """
    at = require_utc(at).replace(microsecond=0)
    _require_applicable(seal, data_hash, property_info, certificate, at)
    _require_pair(signer, certificate)
    signed = enc.sequence(
        enc.integer(SealVersion.V4),
        seal.der,
        enc.generalized_time(at),
        enc.bits(data_hash),
        enc.ia5(property_info),
    )
    signature = signer.sign(signed)
    stamp = () if time_stamp is None else (enc.explicit(0, enc.bits(time_stamp(signature))),)
    der = enc.sequence(signed, enc.octets(certificate.der), enc.oid(SM2_WITH_SM3), enc.bits(signature), *stamp)
    try:
        sealing = Sealing.decode(der)
        verify_sealer_signature(sealing)
    except EcertError as error:
        raise IssuanceError(Reason.SELF_CHECK_FAILED, f"the sealing just made does not verify: {error}") from error
    return sealing


_verify_maker_once = lru_cache(maxsize=64)(verify_maker_signature)
"""The same seal is applied again and again; what does not verify is asked about every time."""


def _require_applicable(
    seal: Seal, data_hash: bytes, property_info: str, certificate: Certificate, at: datetime
) -> None:
    if seal.version is not SealVersion.V4:
        raise IssuanceError(Reason.SEAL_FIELD_INVALID, f"seals of version 4 are applied, not {seal.version.name}")
    if len(data_hash) != DIGEST_LENGTH or not property_info or not property_info.isascii():
        raise IssuanceError(Reason.SEAL_FIELD_INVALID, "a data hash of 32 bytes and an ASCII property are sealed")
    if not certificate.not_before <= at <= certificate.not_after:
        raise IssuanceError(Reason.SEALING_CERTIFICATE_PERIOD, "the sealer's certificate is not within its validity")
    _verify_maker_once(seal)
    require_in_period(seal, at)
    require_listed(seal, certificate.der)
