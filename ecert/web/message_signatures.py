"""Requests signed with SM2: HTTP message signatures (RFC 9421), algorithm `sm2-sm3`.

    Content-Digest: sm3=:<base64>:
    Signature-Input: sig=("@method" "@target-uri" "content-digest" "content-type" "idempotency-key")
        ;created=1795600000;expires=1795600060;nonce="…";alg="sm2-sm3";keyid="…";tag="ecert"
    Signature: sig=:<64 bytes r ‖ s, base64>:

`sm2-sm3` is ours (IANA registers none for SM2): SM2 over the signature base with the default user ID
1234567812345678, so e = SM3(Z ‖ base), the value raw, r and s of 32 bytes each (GM/T 0003.2, GM/T 0009).

A request is authentic when, in this order,
  1. exactly one signature bears the tag `ecert`; others are other people's and not looked at,
  2. its parameters are all there, none is unknown, and `alg`, if given, is `sm2-sm3`,
  3. it is not from the future, and has not expired, which it does within five minutes; clocks may be a minute apart,
  4. it covers the method, the target, and each field in `PROTECTED` that is there; `content-digest` whenever there is
     a body,
  5. its key is registered,
  6. the signature is that key's over the signature base,
  7. the content has the digest that was signed,
  8. its nonce is new. This comes last: only who holds a key can fill the memory of nonces.

Why not the library http-message-signatures: its verification reads the clock by itself, knows errors by their English
text alone, lets `expires` and `nonce` be absent, and knows neither SM3 nor an asynchronous memory of nonces; what would
be left of it is the signature base, thirty lines. Structured fields are parsed by http-sf, as it does.

The functions here know no HTTP library: headers in, headers out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

import http_sf

from ecert.errors import MalformedError, Reason, RejectedError
from ecert.sm2 import RAW_LENGTH, PublicKey, Signer, decode_der, encode_raw
from ecert.web.content_digest import content_digest, read_dictionary, verify_digest
from ecert.web.signature_base import (
    METHOD,
    PROTECTED,
    TARGET_PARTS,
    TARGET_URI,
    Message,
    Parameters,
    malformed,
    not_covered,
    signature_base,
    signature_parameters,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ALGORITHM: Final = "sm2-sm3"
TAG: Final = "ecert"
LABEL: Final = "sig"
"""The label given to our own signatures; any is read."""
MAX_LIFETIME: Final = timedelta(seconds=300)
"""The longest time from `created` to `expires`."""
CLOCK_SKEW: Final = timedelta(seconds=60)
"""How far the clocks of two systems may be apart."""

_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NONCE: Final = re.compile(r"[A-Za-z0-9+/=_-]{16,64}")
_INTEGERS: Final = ("created", "expires")
_TEXTS: Final = {"nonce": _NONCE, "keyid": _KEY_ID, "tag": re.compile(TAG)}
_OPTIONAL: Final = {"alg": re.compile(ALGORITHM)}


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as it came with a message: read, and held against the rules; `verify` tells whether it is good.

    Attributes:
        keyid: The name of the key, 1 to 64 letters, digits, dots, hyphens, underscores.
        nonce: 16 to 64 characters of base64 or base64url.
        created: When it was made, UTC.
        expires: The last instant it is good, UTC.
        covered: The names of the components it is over.
        base: The bytes it is over.
        value: 64 bytes, r ‖ s.
    """

    keyid: str
    nonce: str
    created: datetime
    expires: datetime
    covered: tuple[str, ...]
    base: bytes
    value: bytes

    def verify(self, key: PublicKey) -> None:
        """Verify the signature.

        Raises:
            RejectedError: REQUEST_SIGNATURE_BAD.
        """
        try:
            key.verify_raw(self.value, self.base)
        except (RejectedError, MalformedError) as error:
            raise RejectedError(Reason.REQUEST_SIGNATURE_BAD, f"not the signature of the key {self.keyid}") from error


class Nonces(Protocol):
    """A memory of nonces, one for all processes of a service."""

    async def seen(self, nonce: str, keyid: str, until: datetime) -> bool:
        """Tell whether this key used the nonce before, and remember it up to `until`, UTC: in one atomic step."""


def sign(
    message: Message,
    signer: Signer,
    *,
    keyid: str,
    created: datetime,
    nonce: str,
    lifetime: timedelta = timedelta(seconds=60),
) -> dict[str, str]:
    """Return the headers to add to a request: `Signature-Input`, `Signature`, and `Content-Digest` where it has a body.

    Args:
        message: The request, with every other header it will have.
        signer: The caller's key.
        keyid: The name under which the service knows the key.
        created: Now, UTC.
        nonce: 16 to 64 characters never used before, e.g. of `secrets.token_urlsafe(16)`.
        lifetime: How long the signature is good, at most `MAX_LIFETIME`.

    Raises:
        MalformedError: REQUEST_SIGNATURE_MALFORMED; a header or the target cannot be signed as it is.
        RejectedError: REQUEST_SIGNATURE_PARAMETER, another form of `keyid` or `nonce`; REQUEST_SIGNATURE_COVERAGE, a
            header stands twice that may stand once.
        CustodyError: the key cannot be used.
    """
    added = {"Content-Digest": content_digest(message.body)} if message.body else {}
    whole = Message(message.method, message.target_uri, (*message.headers, *added.items()), message.body)
    covered = (METHOD, TARGET_URI, *(name for name in PROTECTED if whole.lines(name)))
    begin = int(created.timestamp())
    parameters: Parameters = {
        "created": begin,
        "expires": begin + int(lifetime.total_seconds()),
        "nonce": nonce,
        "alg": ALGORITHM,
        "keyid": keyid,
        "tag": TAG,
    }
    _check_parameters(parameters)
    value = encode_raw(*decode_der(signer.sign(signature_base(whole, covered, parameters))))
    signature_input = f"{LABEL}={signature_parameters(covered, parameters)}"
    return added | {"Signature-Input": signature_input, "Signature": http_sf.ser({LABEL: value})}


async def authenticate(
    message: Message,
    *,
    find_key: Callable[[str], Awaitable[PublicKey | None]],
    nonces: Nonces,
    now: datetime,
) -> Signature:
    """Return the signature that makes a request authentic: whose key it is says who sent it.

    Args:
        message: The request.
        find_key: From a `keyid` to the key registered under it and in force, or None.
        nonces: The memory of nonces.
        now: Aware.

    Raises:
        RejectedError: the request is not authentic; the reason and detail say why.
        MalformedError: its signature or digest cannot be read.
    """
    signature = read_signature(message, now)
    key = await find_key(signature.keyid)
    if key is None:
        raise RejectedError(Reason.REQUEST_KEY_UNKNOWN, f"no key {signature.keyid} is registered")
    signature.verify(key)
    digest = message.field("content-digest")
    if digest is not None:
        verify_digest(digest, message.body)
    if await nonces.seen(signature.nonce, signature.keyid, signature.expires + CLOCK_SKEW):
        raise RejectedError(Reason.REQUEST_REPLAYED, "this nonce was used before with this key")
    return signature


def read_signature(message: Message, now: datetime) -> Signature:
    """Read the one signature with our tag and hold it against steps 1 to 4; nothing is verified yet.

    Raises:
        RejectedError: REQUEST_UNSIGNED, REQUEST_SIGNATURE_PARAMETER, REQUEST_SIGNATURE_COVERAGE or
            REQUEST_SIGNATURE_TIME.
        MalformedError: REQUEST_SIGNATURE_MALFORMED.
    """
    covered, parameters, value = _one_signature(message)
    _check_parameters(parameters)
    created, expires = _check_time(parameters, now)
    _check_coverage(message, covered)
    base = signature_base(message, covered, parameters)
    return Signature(str(parameters["keyid"]), str(parameters["nonce"]), created, expires, covered, base, value)


def _one_signature(message: Message) -> tuple[tuple[str, ...], Parameters, bytes]:
    inputs = read_dictionary(message.field("signature-input") or "", "Signature-Input")
    ours = [(label, member) for label, member in inputs.items() if _tag(member) == TAG]
    if not ours:
        raise RejectedError(Reason.REQUEST_UNSIGNED, f'no Signature-Input with tag="{TAG}"')
    if len(ours) > 1:
        raise malformed(f'{len(ours)} signatures have tag="{TAG}"; one must')
    ((label, member),) = ours
    signatures = read_dictionary(message.field("signature") or "", "Signature")
    match member, signatures.get(label):
        case (list(items), dict(parameters)), (bytes(value), dict(extra)) if len(value) == RAW_LENGTH and not extra:
            return tuple(_name(item) for item in items), parameters, value
    raise malformed(f"{label}: Signature-Input has a list of components and Signature {RAW_LENGTH} bytes, r ‖ s")


def _tag(member: object) -> object:
    """Return the tag of a member of `Signature-Input`, if it has one."""
    match member:
        case (_, dict(parameters)):
            return parameters.get("tag")
    return None


def _name(item: object) -> str:
    match item:
        case (str(name), dict(parameters)) if not parameters:
            return name
    raise not_covered("components are texts without parameters")


def _check_parameters(parameters: Parameters) -> None:
    for name, form in {**_TEXTS, **{key: form for key, form in _OPTIONAL.items() if key in parameters}}.items():
        value = parameters.get(name)
        if type(value) is not str or not form.fullmatch(value):
            raise _bad_parameter(f"{name} is missing or no text of the form {form.pattern}")
    unknown = parameters.keys() - {*_INTEGERS, *_TEXTS, *_OPTIONAL}
    if unknown:
        raise _bad_parameter(f"{min(unknown)} is not known")


def _seconds(parameters: Parameters, name: str) -> int:
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad_parameter(f"{name} is missing or no integer")
    return value


def _bad_parameter(what: str) -> RejectedError:
    return RejectedError(Reason.REQUEST_SIGNATURE_PARAMETER, f"the parameter {what}")


def _check_coverage(message: Message, covered: tuple[str, ...]) -> None:
    required = [METHOD, *(name for name in PROTECTED if message.lines(name))]
    if message.body and "content-digest" not in required:
        required.append("content-digest")
    if TARGET_URI not in covered and not set(TARGET_PARTS) <= set(covered):
        raise not_covered(f"covered is neither {TARGET_URI} nor all of {', '.join(TARGET_PARTS)}")
    for name in required:
        if name not in covered:
            raise not_covered(f"{name} is not covered")


def _check_time(parameters: Parameters, now: datetime) -> tuple[datetime, datetime]:
    created, expires = (_seconds(parameters, name) for name in _INTEGERS)
    instant, skew = int(now.timestamp()), int(CLOCK_SKEW.total_seconds())
    if not 0 < expires - created <= MAX_LIFETIME.total_seconds():
        raise _bad_time(f"expires is 1 to {MAX_LIFETIME.seconds} seconds after created, not {expires - created}")
    if created > instant + skew:
        raise _bad_time(f"created is {created - instant} seconds ahead of this service's clock")
    if expires < instant - skew:
        raise _bad_time(f"it expired {instant - expires} seconds ago by this service's clock")
    return datetime.fromtimestamp(created, UTC), datetime.fromtimestamp(expires, UTC)


def _bad_time(what: str) -> RejectedError:
    return RejectedError(Reason.REQUEST_SIGNATURE_TIME, what)
