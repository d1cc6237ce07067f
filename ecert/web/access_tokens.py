"""Access tokens: JWTs of RFC 9068 signed with SM2, at most fifteen minutes long, and their keys as a JWK set.

    header   {"typ": "at+jwt", "alg": "SM2SM3", "kid": "<key id, 16 hex digits>"}
    claims   {"iss", "sub", "aud", "client_id", "scope": "a b", "iat", "nbf", "exp", "jti"}: all of them, and no other

`SM2SM3` and the curve `SM2` are private names: IANA registers neither an SM2 algorithm for JOSE nor its curve. The one
proposal, draft-dang-webauthn-sm2-00, expired in 2022, and products differ in the name as in the form of the signature.
Ours is the 64 bytes r ‖ s over the JWS signing input, with the default user ID, as RFC 7518, 3.4 has it for ECDSA.

joserfc does JWS. The algorithm is known to this module's registry alone: nothing else in the process that uses joserfc
takes SM2 keys, and none of its own algorithms, `none` and the HMACs among them, is ever considered for a token.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.licence.strict_json import decode_json
from ecert.sm2 import PublicKey, Signer, decode_der, encode_raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ALGORITHM: Final = "SM2SM3"
CURVE: Final = "SM2"
TYPE: Final = "at+jwt"
MAX_TOKEN: Final = 4096
"""The longest token in characters."""
MAX_LIFETIME: Final = timedelta(minutes=15)
"""The longest time from `iat` to `exp`."""
CLOCK_SKEW: Final = timedelta(seconds=60)
"""How far the clocks of issuer and verifier may be apart."""

_TOKEN: Final = re.compile(r"([A-Za-z0-9_-]{1,512})\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
_NAME: Final = re.compile(r"[!-~]{1,256}")
_SCOPE: Final = re.compile(r"(?:[!#-\[\]-~]{1,64}(?: (?!$)|$)){0,32}")
_TOKEN_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_TEXTS: Final = {"iss": _NAME, "sub": _NAME, "aud": _NAME, "client_id": _NAME, "scope": _SCOPE, "jti": _TOKEN_ID}
_TIMES: Final = ("iat", "nbf", "exp")
_LAST_TIME: Final = 253_402_300_799
"""The last second of the year 9999."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says.

    Attributes:
        issuer: Who issued it, 1 to 256 visible ASCII characters.
        subject: Whom it is about: an operator or a system; of the same form, as are the next two.
        audience: The service it is for.
        client_id: The system that asked for it.
        scope: What may be done with it, at most 32 words of RFC 6749, 3.3.
        token_id: 16 to 64 characters of base64url, never used twice.
        issued: When it was issued, UTC, whole seconds.
        begins: The first second it is good.
        ends: The first second it is no longer good, at most `MAX_LIFETIME` after `issued`.
    """

    issuer: str
    subject: str
    audience: str
    client_id: str
    scope: tuple[str, ...]
    token_id: str
    issued: datetime
    begins: datetime
    ends: datetime

    def to_json(self) -> dict[str, str | int]:
        """Return the claims under their names in a JWT."""
        return {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.audience,
            "client_id": self.client_id,
            "scope": " ".join(self.scope),
            "jti": self.token_id,
            "iat": int(self.issued.timestamp()),
            "nbf": int(self.begins.timestamp()),
            "exp": int(self.ends.timestamp()),
        }


class _Key(ECKey):
    """An SM2 key as joserfc sees one: its JWK; what signs or verifies travels along as the raw value."""

    @classmethod
    def of(cls, public: PublicKey, holder: Any) -> _Key:
        return cls(holder, _jwk(public))


class _Algorithm(jws.JWSAlgModel):
    name = ALGORITHM
    description = "SM2 with SM3, default user ID, r ‖ s"
    key_type = "EC"

    def sign(self, msg: bytes, key: Any) -> bytes:
        signer: Signer = key.raw_value
        return encode_raw(*decode_der(signer.sign(msg)))

    def verify(self, msg: bytes, sig: bytes, key: Any) -> bool:
        public: PublicKey = key.raw_value
        try:
            public.verify_raw(sig, msg)
        except EcertError:
            return False
        return True


class _Registry(jws.JWSRegistry):
    algorithms = {ALGORITHM: _Algorithm()}  # noqa: RUF012  (the class it extends has no ClassVar there)
    max_payload_length = MAX_TOKEN


_REGISTRY: Final = _Registry(algorithms=[ALGORITHM])


def issue(claims: Claims, signer: Signer) -> str:
    """Sign a token.

    Raises:
        RejectedError: TOKEN_CLAIM; `verify` would refuse these claims.
        MalformedError: TOKEN_MALFORMED; they are too long together.
        CustodyError: the key cannot be used.
    """
    payload = claims.to_json()
    _read_claims(payload)
    header = {"typ": TYPE, "alg": ALGORITHM, "kid": signer.public_key.key_id.hex()}
    key = _Key.of(signer.public_key, signer)
    token = jws.serialize_compact(header, json.dumps(payload, separators=(",", ":")), key, registry=_REGISTRY)
    if len(token) > MAX_TOKEN:
        raise _malformed(f"longer than {MAX_TOKEN} characters")
    return token


def verify(token: str, keys: Mapping[str, PublicKey], *, issuer: str, audience: str, now: datetime) -> Claims:
    """Verify a token, in this order: its form, algorithm, key, signature, and only then what it says.

    Args:
        token: As it stands after `Bearer`.
        keys: The issuer's keys in force, by key id in hex.
        issuer: Whose tokens are taken.
        audience: Who is asking: this service's name.
        now: Aware.

    Raises:
        MalformedError: TOKEN_MALFORMED.
        RejectedError: TOKEN_ALGORITHM, TOKEN_KEY_UNKNOWN, TOKEN_SIGNATURE_BAD, TOKEN_CLAIM, TOKEN_ISSUER,
            TOKEN_AUDIENCE, TOKEN_EXPIRED or TOKEN_NOT_YET_VALID.
    """
    key = keys.get(_key_id(token))
    if key is None:
        raise RejectedError(Reason.TOKEN_KEY_UNKNOWN, "the token's key is none of the issuer's in force")
    try:
        payload = jws.deserialize_compact(token, _Key.of(key, key), registry=_REGISTRY).payload
    except JoseError:
        raise RejectedError(Reason.TOKEN_SIGNATURE_BAD, "the signature is not that key's") from None
    claims = _read_claims(_decode(payload))
    _check(claims, issuer=issuer, audience=audience, now=now)
    return claims


def key_set(keys: Iterable[PublicKey]) -> dict[str, list[dict[str, str]]]:
    """Return public keys as a JWK set (RFC 7517), for a service's `jwks_uri`."""
    return {"keys": [_jwk(key) for key in keys]}


def _jwk(key: PublicKey) -> dict[str, str]:
    x, y = key.point[1:33], key.point[33:]
    return {
        "kty": "EC",
        "crv": CURVE,
        "x": urlsafe_b64encode(x).decode("ascii"),
        "y": urlsafe_b64encode(y).decode("ascii"),
        "use": "sig",
        "alg": ALGORITHM,
        "kid": key.key_id.hex(),
    }


def _key_id(token: str) -> str:
    """Read a token's header strictly, before anything else looks at it, and return which key it names."""
    found = _TOKEN.fullmatch(token) if len(token) <= MAX_TOKEN else None
    if found is None:
        raise _malformed(f"not three parts of base64url, at most {MAX_TOKEN} characters, with a signature of 64 bytes")
    try:
        header = _decode(urlsafe_b64decode(found[1].encode("ascii")))
    except ValueError:
        raise _malformed("its header is not base64url") from None
    if header.get("alg") != ALGORITHM:
        raise RejectedError(Reason.TOKEN_ALGORITHM, f"only {ALGORITHM} is accepted")
    kid = header.get("kid")
    if header.keys() != {"typ", "alg", "kid"} or header["typ"] != TYPE or not isinstance(kid, str):
        raise _malformed(f"its header is not typ {TYPE}, alg and kid, and nothing else")
    return kid


def _decode(data: bytes) -> dict[str, object]:
    try:
        value = decode_json(data, MAX_TOKEN)
    except MalformedError:
        value = None
    if not isinstance(value, dict):
        raise _malformed("a part is not a JSON object with each key once")
    return value


def _read_claims(source: Mapping[str, object]) -> Claims:
    unlike = {*_TEXTS, *_TIMES} ^ source.keys()
    if unlike:
        raise _bad_claim(f"{min(unlike)} is missing, or not known")
    texts = {name: _text(source[name], name, form) for name, form in _TEXTS.items()}
    issued, begins, ends = (_instant(source[name], name) for name in _TIMES)
    if not issued <= begins < ends <= issued + MAX_LIFETIME:
        raise _bad_claim(f"exp is after nbf, that not before iat, and all within {MAX_LIFETIME.seconds} seconds")
    return Claims(
        issuer=texts["iss"],
        subject=texts["sub"],
        audience=texts["aud"],
        client_id=texts["client_id"],
        scope=tuple(texts["scope"].split()),
        token_id=texts["jti"],
        issued=issued,
        begins=begins,
        ends=ends,
    )


def _text(value: object, name: str, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _bad_claim(f"{name} is no text of the form {form.pattern}")
    return value


def _instant(value: object, name: str) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LAST_TIME - MAX_LIFETIME.seconds:
        raise _bad_claim(f"{name} is no time in whole seconds")
    return datetime.fromtimestamp(value, UTC)


def _check(claims: Claims, *, issuer: str, audience: str, now: datetime) -> None:
    if claims.issuer != issuer:
        raise RejectedError(Reason.TOKEN_ISSUER, "issued by somebody else")
    if claims.audience != audience:
        raise RejectedError(Reason.TOKEN_AUDIENCE, "issued for another service")
    if now < claims.begins - CLOCK_SKEW:
        raise RejectedError(Reason.TOKEN_NOT_YET_VALID, f"good from {claims.begins.isoformat()}")
    if now >= claims.ends + CLOCK_SKEW:
        raise RejectedError(Reason.TOKEN_EXPIRED, f"good until {claims.ends.isoformat()}")


def _malformed(what: str) -> MalformedError:
    return MalformedError(Reason.TOKEN_MALFORMED, what)


def _bad_claim(what: str) -> RejectedError:
    return RejectedError(Reason.TOKEN_CLAIM, what)
