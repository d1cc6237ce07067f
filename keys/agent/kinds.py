"""What a text that is to be signed is, told from its bytes alone.

The first byte parts the families, so no text is of two: 84 is CBOR, 30 and 31 are DER, `{` is JSON, `"` begins a
signature base and `e` a JWT. Within a family the text must have the exact form that this project writes. Whatever is
recognised by nobody here (certificates, revocation lists and an approval of the agent's own among it) is not signed.

    COSE Sig_structure (RFC 9052, 4.4)              record, face, status-snapshot, ... by its content type; token-list
    JWT header and claims (RFC 7515)                access-token, token-list
    SES_SealInfo, TBS_Sign (GB/T 38540)             seal, sealing
    signed attributes (GB/T 35275, RFC 5652)        file for plain data, timestamp for TSTInfo
    signature base (RFC 9421, 2.5)                  request
    metadata of the trust registry                  registry-root, -targets, -snapshot, -timestamp
"""

from __future__ import annotations

import base64
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert import cbor, der, envelope
from ecert.cms import GM_DATA
from ecert.cms.structure import CONTENT_TYPE
from ecert.errors import CustodyError, MalformedError, Reason
from ecert.timestamp import TST_INFO
from ecert.trust.strict_json import read_json

if TYPE_CHECKING:
    from collections.abc import Callable


class Tbs(StrEnum):
    """A kind of text that an agent signs, by its name in policies."""

    RECORD = "record"
    FACE = "face"
    STATUS_SNAPSHOT = "status-snapshot"
    STATUS_DELTA = "status-delta"
    STATUS_PAGE = "status-page"
    STATUS_ANSWER = "status-answer"
    SEAL_STATUS = "seal-status"
    ISSUED_HEAD = "issued-head"
    AUDIT_HEAD = "audit-head"
    TYPE_LIST = "type-list"
    VERIFICATION_RECEIPT = "verification-receipt"
    TOKEN_LIST = "token-list"  # noqa: S105  (a kind)
    ACCESS_TOKEN = "access-token"  # noqa: S105  (a kind)
    SEAL = "seal"
    SEALING = "sealing"
    FILE = "file"
    TIMESTAMP = "timestamp"
    REQUEST = "request"
    REGISTRY_ROOT = "registry-root"
    REGISTRY_TARGETS = "registry-targets"
    REGISTRY_SNAPSHOT = "registry-snapshot"
    REGISTRY_TIMESTAMP = "registry-timestamp"


_SIG_ITEMS: Final = 5
_MAX_HEADER: Final = 512
_MAX_JSON: Final = 8 * 1024 * 1024
_ALG, _CONTENT_TYPE, _KID, _TYPE = 1, 3, 4, 16
_CWT_LIST: Final = "application/statuslist+cwt"
_JWT: Final = re.compile(rb"(?P<header>[A-Za-z0-9_-]{2,512})\.[A-Za-z0-9_-]{2,}")
_JWT_TYPES: Final = {"at+jwt": Tbs.ACCESS_TOKEN, "statuslist+jwt": Tbs.TOKEN_LIST}
_BASE: Final = re.compile(
    rb'"@method": [!-~]{1,32}\n(?:"[@a-z0-9!#$%&\'*+.^_`|~-]{1,65}": [\x20-\x7e\t]*\n){0,32}'
    rb'"@signature-params": \("@method"[^\n]*\)[^\n]*;tag="ecert"'
)
_SEAL_HEADER: Final = b"\x16\x02ES"
"""IA5String "ES", at the beginning of every seal's header."""
_IA5: Final = 0x16
_CONTENT_TYPES: Final = {GM_DATA: Tbs.FILE, TST_INFO: Tbs.TIMESTAMP}


def recognise(tbs: bytes, key_id: bytes) -> Tbs:
    """Return what a text is.

    Args:
        tbs: Hostile bytes.
        key_id: The key that is to sign it: texts that name their key must name this one.

    Raises:
        CustodyError: AGENT_KIND_REFUSED; it is nothing that is signed here.
    """
    family = _FAMILIES.get(tbs[:1])
    if family is None:
        raise _unknown("it begins as nothing that is signed here")
    try:
        return family(tbs, key_id)
    except (MalformedError, ValueError, RecursionError) as error:
        raise _unknown(str(error)) from error


def _unknown(why: str) -> CustodyError:
    return CustodyError(Reason.AGENT_KIND_REFUSED, f"the text to be signed is not recognised: {why}")


def _cose(tbs: bytes, key_id: bytes) -> Tbs:
    parts = cbor.decode(tbs, limit=len(tbs), reason=Reason.RECORD_MALFORMED, items=_SIG_ITEMS)
    match parts:
        case ["Signature1", bytes() as protected, b"", bytes() as payload]:
            pass
        case _:
            raise ValueError("not a Sig_structure")
    header = cbor.decode(protected, limit=_MAX_HEADER, reason=Reason.RECORD_MALFORMED)
    if header == {_ALG: envelope.ALGORITHM, _KID: key_id, _TYPE: _CWT_LIST}:
        return Tbs.TOKEN_LIST
    if not isinstance(header, dict):
        raise ValueError("its protected header is not a map")  # noqa: TRY004  (of hostile bytes, not of an argument)
    kind = envelope.Kind(header.get(_CONTENT_TYPE))
    if envelope.to_be_signed(kind, key_id, payload) != tbs:
        raise ValueError("its protected header names another key, or more than ours does")
    return Tbs(kind.name.lower().replace("_", "-"))


def _jwt(tbs: bytes, key_id: bytes) -> Tbs:
    found = _JWT.fullmatch(tbs)
    if found is None:
        raise ValueError("not the header and claims of a JWT")
    encoded = found["header"]
    header = read_json(base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)), _MAX_HEADER)
    if not isinstance(header, dict) or header.keys() != {"typ", "alg", "kid"} or header["kid"] != key_id.hex():
        raise ValueError("its header has not typ, alg and this key's kid alone")
    if header["typ"] not in _JWT_TYPES:
        raise ValueError("a JWT of another type")
    return _JWT_TYPES[header["typ"]]


def _sequence(tbs: bytes, _: bytes) -> Tbs:
    der.check(tbs, limit=len(tbs))
    parts = der.read_one(tbs, der.SEQUENCE).children().rest()
    tags = [part.tag for part in parts]
    if tags == [der.INTEGER, der.SEQUENCE, der.GENERALIZED_TIME, der.BIT_STRING, _IA5]:
        return Tbs.SEALING
    if tags == [der.SEQUENCE, _IA5, der.SEQUENCE, der.SEQUENCE] and parts[0].content.startswith(_SEAL_HEADER):
        return Tbs.SEAL
    raise ValueError("DER that is neither a seal nor a sealing")


def _set(tbs: bytes, _: bytes) -> Tbs:
    der.check(tbs, limit=len(tbs))
    found = []
    for attribute in der.read_one(tbs, der.SET).children().rest(der.SEQUENCE):
        kind, values = attribute.children().read(der.OBJECT_IDENTIFIER), attribute.children().rest()[1:]
        if der.oid(kind) == CONTENT_TYPE:
            found += [der.oid(value) for value in values[0].children().rest(der.OBJECT_IDENTIFIER)]
    if len(found) != 1 or found[0] not in _CONTENT_TYPES:
        raise ValueError("not the signed attributes of a file or of a timestamp")
    return _CONTENT_TYPES[found[0]]


def _request(tbs: bytes, _: bytes) -> Tbs:
    if not _BASE.fullmatch(tbs):
        raise ValueError("not the signature base of a request")
    return Tbs.REQUEST


def _metadata(tbs: bytes, _: bytes) -> Tbs:
    value = read_json(tbs, _MAX_JSON)
    if not isinstance(value, dict) or not {"_type", "spec_version", "version", "expires"} <= value.keys():
        raise ValueError("not metadata of the trust registry")
    return Tbs(f"registry-{value['_type']}")


_FAMILIES: Final[dict[bytes, Callable[[bytes, bytes], Tbs]]] = {
    b"\x84": _cose,
    b"\x30": _sequence,
    b"\x31": _set,
    b"{": _metadata,
    b'"': _request,
    b"e": _jwt,
}
