"""People sign in at an OpenID Connect provider: authorization code with PKCE (RFC 7636), the code bound to a nonce.

The national unified identity (统一身份认证) is one; `api.access.development_provider` is another, for demonstrations.
What the provider says is believed only about who somebody is; what an operator may do, their registration here says,
and a holder may do what they like with what is theirs.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from ecert.errors import Reason, RejectedError, UndeterminedError

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""Algorithms of identity tokens that are taken; `none` and shared secrets never are."""

DEVELOPMENT: Final = "ecert_development"
"""What a provider says of itself that asks nobody for a password."""

_MAX_ANSWER: Final = 256 * 1024
_MAX_NAME: Final = 64
_MAX_SUBJECT: Final = 255
"""OpenID Connect Core, 2."""
_SECONDS: Final = 5.0
_REFETCH: Final = 60.0
"""Seconds before the provider's keys are asked for again because of a key that is not known."""
_LEEWAY: Final = 60
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Where people sign in.

    Attributes:
        issuer: The provider's issuer identifier, an https address; http only on this machine.
        client_id: This service's name there.
        client_secret: Its secret there.
        redirect_uri: Where the browser comes back to.
        development: Whether the development provider will do.
    """

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    development: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in: the provider, its name for the person (`sub`), the person's name, and all else that it says."""

    issuer: str
    subject: str
    name: str
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in under way: what the browser must bring back, and what the provider must answer to.

    Attributes:
        state: Comes back with the browser.
        nonce: Comes back in the identity token.
        verifier: Proves that whoever redeems the code is who asked for it.
    """

    state: str
    nonce: str
    verifier: str

    @classmethod
    def begin(cls) -> SignIn:
        """Return one that nobody can guess."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier."""
        return _unpadded(hashlib.sha256(self.verifier.encode("ascii")).digest())


class IdentityProvider:
    """The provider as a client sees it. What it publishes is fetched once, its keys again when one is not known."""

    def __init__(self, settings: ProviderSettings, client: httpx2.AsyncClient) -> None:
        """Ask through `client`.

        Raises:
            RejectedError: the issuer is not an https address, nor one on this machine.
        """
        require_safe(settings.issuer)
        self._settings = settings
        self._client = client
        self._found: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None
        self._keys_at = 0.0
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._client.aclose()

    async def address(self, sign_in: SignIn, hint: str = "") -> str:
        """Return where the browser is sent to sign in, and as whom, where that is known.

        Raises:
            UndeterminedError: the provider cannot be reached, or publishes nothing usable.
        """
        found = await self._discover()
        asked = {
            "response_type": "code",
            "scope": "openid profile",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect_uri,
            "state": sign_in.state,
            "nonce": sign_in.nonce,
            "code_challenge": sign_in.challenge,
            "code_challenge_method": "S256",
        } | ({"login_hint": hint} if hint else {})
        return f"{found['authorization_endpoint']}?{urlencode(asked)}"

    async def redeem(self, code: str, sign_in: SignIn) -> Identity:
        """Exchange a code for who signed in.

        Raises:
            RejectedError: the provider refuses the code, or its token does not hold.
            UndeterminedError: the provider cannot be reached.
        """
        found = await self._discover()
        answer = await self._ask(
            "POST",
            found["token_endpoint"],
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._settings.redirect_uri,
                "code_verifier": sign_in.verifier,
            },
            auth=(self._settings.client_id, self._settings.client_secret),
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise RejectedError(Reason.SIGN_IN_REFUSED, "the provider gave no identity token for the code")
        return self._identity(await self._claims(token), sign_in)

    async def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            return jwt.decode(token, await self._known_keys(), algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            keys = await self._known_keys(again=True)
        try:
            return jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise RejectedError(Reason.SIGN_IN_REFUSED, "the identity token's signature does not hold") from error

    def _identity(self, claims: Mapping[str, Any], sign_in: SignIn) -> Identity:
        expected = JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            nonce={"essential": True, "value": sign_in.nonce},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        try:
            expected.validate(dict(claims))
        except (JoseError, ValueError, TypeError) as error:
            raise RejectedError(
                Reason.SIGN_IN_REFUSED, f"the identity token is not for this sign-in: {error}"
            ) from error
        subject, name = claims["sub"], claims.get("name") or claims["sub"]
        if not isinstance(subject, str) or not isinstance(name, str) or len(subject) > _MAX_SUBJECT:
            raise RejectedError(Reason.SIGN_IN_REFUSED, "the identity token does not say who it is about")
        shown = "".join(character for character in name if character.isprintable())[:_MAX_NAME]
        return Identity(self._settings.issuer, subject, shown, claims)

    async def _discover(self) -> Mapping[str, Any]:
        async with self._lock:
            if self._found is None:
                address = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
                found = await self._ask("GET", address)
                self._require_usable(found)
                self._found = found
            return self._found

    def _require_usable(self, found: Mapping[str, Any]) -> None:
        if found.get("issuer") != self._settings.issuer:
            raise UndeterminedError(Reason.SOURCE_UNREACHABLE, "the provider publishes another issuer than configured")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(found.get(name), str):
                raise UndeterminedError(Reason.SOURCE_UNREACHABLE, f"the provider publishes no {name}")
            require_safe(found[name])
        if found.get(DEVELOPMENT) and not self._settings.development:
            raise RejectedError(Reason.SIGN_IN_REFUSED, "the provider is one for demonstrations: it asks no password")

    async def _known_keys(self, *, again: bool = False) -> KeySet:
        found = await self._discover()
        async with self._lock:
            due = again and time.monotonic() - self._keys_at > _REFETCH
            if self._keys is None or due:
                try:
                    self._keys = KeySet.import_key_set(await self._ask("GET", found["jwks_uri"]))  # type: ignore[arg-type]
                except (JoseError, ValueError, TypeError, KeyError) as error:
                    raise UndeterminedError(Reason.SOURCE_UNREACHABLE, "the provider's keys cannot be read") from error
                self._keys_at = time.monotonic()
            return self._keys

    async def _ask(self, method: str, address: str, **arguments: Any) -> Mapping[str, Any]:
        """Ask the provider; its answer is a JSON object of bounded size.

        Raises:
            RejectedError: it refuses.
            UndeterminedError: it cannot be reached, or answers something else.
        """
        try:
            async with asyncio.timeout(_SECONDS), self._client.stream(method, address, **arguments) as response:
                data = b""
                async for part in response.aiter_bytes():
                    data += part
                    if len(data) > _MAX_ANSWER:
                        raise UndeterminedError(Reason.SOURCE_UNREACHABLE, "the provider's answer is too long")
            if response.status_code in (400, 401, 403):
                raise RejectedError(Reason.SIGN_IN_REFUSED, f"the provider refuses with status {response.status_code}")
            response.raise_for_status()
            answer = httpx2.Response(200, content=data).json()
        except (httpx2.HTTPError, TimeoutError, ValueError) as error:
            detail = f"the identity provider at {urlsplit(address).netloc} does not answer: {type(error).__name__}"
            raise UndeterminedError(Reason.SOURCE_UNREACHABLE, detail) from error
        if not isinstance(answer, dict):
            raise UndeterminedError(Reason.SOURCE_UNREACHABLE, "the provider's answer is not a JSON object")
        return answer


def require_safe(address: str) -> None:
    """Require an https address, or one on this machine.

    Raises:
        RejectedError: it is neither.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise RejectedError(Reason.USAGE, f"{address} is neither an https address nor on this machine")


def _unpadded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
