"""An OpenID Connect provider for demonstrations: whoever opens it chooses which of the listed people to be.

There is no password, so it must never stand where anything is real: it listens on this machine alone, and only when
told that this is a development set-up. Its signing key lives as long as the process.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from api.access.oidc import DEVELOPMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

CODE_SECONDS: Final = 60
"""How long a code may be redeemed."""
TOKEN_SECONDS: Final = 300
"""How long an identity token holds."""

_STYLE: Final = (
    "body{margin:0;background:#eef2f6;color:#14202c;font:17px/1.6 'Noto Sans CJK SC',sans-serif}"
    "main{max-width:560px;margin:0 auto;padding:24px 16px}h1{font-size:1.5rem;line-height:1.35}"
    "form p{display:grid;gap:4px;margin:0 0 14px}form span{color:#4d5c6b;font-size:15px}"
    "button{min-height:52px;border:1.5px solid #14589c;border-radius:12px;background:#fff;color:#14589c;"
    "font:600 1.05rem 'Noto Sans CJK SC',sans-serif;cursor:pointer}"
)
"""How the page looks: as plain as what it does."""
_MAX_OPEN: Final = 1000
_MAX_BODY: Final = 8192
_ASKED: Final = ("client_id", "redirect_uri", "state", "nonce", "code_challenge")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be: the provider's name for them, and their own; of a holder also who they are, and act for."""

    subject: str
    name: str
    about: str
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Grant:
    person: Person
    nonce: str
    redirect_uri: str
    challenge: str
    until: float


class DevelopmentProvider:
    """The provider: four routes over a list of people."""

    def __init__(
        self,
        issuer: str,
        people: Sequence[Person],
        *,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        holder_redirect_uri: str = "",
    ) -> None:
        """Serve `people` to one client, at the address `issuer`; holders come back to an address of their own."""
        self._issuer = issuer
        self._people = {person.subject: person for person in people}
        self._client = (client_id, client_secret)
        self._redirect_uris = (redirect_uri, holder_redirect_uri)
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
        self._grants: dict[str, _Grant] = {}

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/keys", self._keys),
                Route("/authorize", self._choose, methods=["GET"]),
                Route("/authorize", self._chosen, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _configuration(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self._issuer,
                "authorization_endpoint": f"{self._issuer}/authorize",
                "token_endpoint": f"{self._issuer}/token",
                "jwks_uri": f"{self._issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                DEVELOPMENT: True,
            }
        )

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [{**self._key.as_dict(private=False), "kid": self._key.thumbprint()}]})

    async def _choose(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name, "") for name in _ASKED}
        if not self._is_sound(asked):
            return HTMLResponse("<h1>请求无效 Bad request</h1>", 400)
        if "login_hint" in request.query_params:
            return self._grant(request.query_params["login_hint"], asked)
        hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(asked[name])}">' for name in _ASKED)
        people = "".join(
            f'<p><button name="subject" value="{escape(one.subject)}">{escape(one.name)}</button>'
            f"<span>{escape(one.about)}</span></p>"
            for one in self._people.values()
        )
        return HTMLResponse(
            '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>演示登录 Development sign-in</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><main>'
            "<h1>演示登录 Development sign-in</h1><p>仅供演示，没有口令。For demonstrations: no passwords.</p>"
            f'<form method="post" action="/authorize">{hidden}{people}</form></main></html>'
        )

    def _is_sound(self, asked: dict[str, str]) -> bool:
        return (
            asked["client_id"] == self._client[0]
            and asked["redirect_uri"] in self._redirect_uris
            and all(0 < len(value) <= 512 for value in asked.values())  # noqa: PLR2004  (far more than a client sends)
        )

    async def _chosen(self, request: Request) -> Response:
        form = await _form(request)
        return self._grant(form.get("subject", ""), {name: form.get(name, "") for name in _ASKED})

    def _grant(self, subject: str, asked: dict[str, str]) -> Response:
        """Send the browser back as somebody."""
        person = self._people.get(subject)
        if person is None or not self._is_sound(asked):
            return HTMLResponse("<h1>请求无效 Bad request</h1>", 400)
        now = time.monotonic()
        self._grants = {code: grant for code, grant in self._grants.items() if grant.until > now}
        if len(self._grants) >= _MAX_OPEN:
            return HTMLResponse("<h1>稍后再试 Try again later</h1>", 503)
        code = secrets.token_urlsafe(32)
        self._grants[code] = _Grant(
            person, asked["nonce"], asked["redirect_uri"], asked["code_challenge"], now + CODE_SECONDS
        )
        target = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
        return RedirectResponse(target, 303)

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        grant = self._grants.pop(form.get("code", ""), None)  # a code is good once, whatever comes of it
        if not self._is_client(request):
            return JSONResponse({"error": "invalid_client"}, 401)
        proof = urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        if (
            grant is None
            or grant.until < time.monotonic()
            or form.get("redirect_uri") != grant.redirect_uri
            or not hmac.compare_digest(proof, grant.challenge.encode())
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": self._identity(grant)}
        )

    def _is_client(self, request: Request) -> bool:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        try:
            given = b64decode(value, validate=True).decode()
        except ValueError:
            return False
        return kind.lower() == "basic" and hmac.compare_digest(given.encode(), ":".join(self._client).encode())

    def _identity(self, grant: _Grant) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            **grant.person.claims,
            "iss": self._issuer,
            "aud": self._client[0],
            "sub": grant.person.subject,
            "name": grant.person.name,
            "nonce": grant.nonce,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        return jwt.encode({"alg": "ES256", "kid": self._key.thumbprint()}, claims, self._key)


async def _form(request: Request) -> dict[str, str]:
    """Read a form; one that is too long, or no form, has no fields."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > _MAX_BODY:
            return {}
    return {name: values[0] for name, values in parse_qs(data.decode("utf-8", "replace")).items()}
