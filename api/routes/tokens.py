"""`POST /api/v1/token`: OAuth2 client credentials (RFC 6749, 4.4), and what others need to check our tokens.

The client authenticates by signing the request (RFC 9421, `sm2-sm3`) as it signs every other: `private_key_jwt`
(RFC 7523) would be a second form of the same proof by the same key, for which no library has SM2 either.
"""

from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.access.callers import Caller
from api.access.principals import Role
from api.access.tokens import LIFETIME, Tokens
from api.audit import AuditBook
from api.ledger import SqlLedger
from api.office import Office
from ecert.web.problems import Code, FieldError, Problem

MAX_BODY = 2048
"""The longest request for a token in bytes."""
_FORM = "application/x-www-form-urlencoded"
_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            _FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "additionalProperties": False,
                    "properties": {
                        "grant_type": {"const": "client_credentials"},
                        "scope": {
                            "type": "string",
                            "description": "角色，以空格分隔；缺省为全部 Roles, by spaces; by default all of them",
                            "pattern": "^[a-z-]+( [a-z-]+)*$",
                        },
                    },
                },
                "example": {"grant_type": "client_credentials", "scope": "issuer-clerk"},
            }
        },
    }
}


class TokenBody(BaseModel):
    """A token, as RFC 6749, 5.1 has it.

    Attributes:
        access_token: To be sent as `Authorization: Bearer …`.
        token_type: How to send it.
        expires_in: Seconds that it is good.
        scope: The roles within which it speaks for the system.
    """

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  (the name of a scheme)
    expires_in: Annotated[int, Field(examples=[int(LIFETIME.total_seconds())])]
    scope: Annotated[str, Field(examples=["issuer-clerk"])]


class KeySetBody(BaseModel):
    """The keys that tokens are signed with (RFC 7517); `SM2` and `SM2SM3` are private names (`docs/signing.md`)."""

    keys: list[dict[str, str]]


def router(office: Office) -> APIRouter:
    """Return the routes; none where the service has no key for tokens."""
    routes = APIRouter(tags=["tokens"])
    tokens = office.tokens
    if tokens is None:
        return routes

    @routes.post(
        "/api/v1/token", operation_id="issueToken", summary="领取访问令牌 Ask for a token", openapi_extra=_REQUEST
    )
    async def token(request: Request, response: Response) -> TokenBody:
        """Answer a signed request with a token for whoever signed it."""
        body = await request.body()
        caller = await office.guard.by_signature(request, body)
        await office.guard.count(caller)
        roles = _roles(caller, _fields(request, body))
        who = caller.principal.id
        made = await office.pool.ask(lambda ledger: _issue(ledger, tokens, caller, roles), actor=who)
        response.headers["Cache-Control"] = "no-store"
        scope = " ".join(sorted(role.value for role in roles))
        return TokenBody(access_token=made, expires_in=int(LIFETIME.total_seconds()), scope=scope)

    @routes.get("/api/v1/keys", operation_id="readKeys", summary="令牌公钥 Public keys of tokens (JWKS)")
    async def keys() -> KeySetBody:
        return KeySetBody(**tokens.key_set())

    @routes.get(
        "/.well-known/oauth-authorization-server",
        operation_id="readTokenService",
        summary="令牌服务元数据 Metadata (RFC 8414)",
    )
    async def metadata() -> dict[str, Any]:
        return {
            "issuer": tokens.origin,
            "token_endpoint": f"{tokens.origin}/api/v1/token",
            "jwks_uri": f"{tokens.origin}/api/v1/keys",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "scopes_supported": [role.value for role in Role],
            "token_endpoint_auth_methods_supported": ["http_message_signature"],
            "token_endpoint_auth_signing_alg_values_supported": ["sm2-sm3"],
        }

    return routes


def _issue(ledger: SqlLedger, tokens: Tokens, caller: Caller, roles: frozenset[Role]) -> str:
    made = tokens.issue(caller.principal, roles)
    said = " ".join(sorted(role.value for role in roles))
    with ledger.database.transaction():
        AuditBook(ledger.database).record("token.issue", caller.principal.id, tokens.clock(), details={"scope": said})
    return made


def _fields(request: Request, body: bytes) -> dict[str, str]:
    """Read the form, each field once.

    Raises:
        Problem: it is none.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Problem(Code.MEDIA_TYPE_UNSUPPORTED, _FORM)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), strict_parsing=True, keep_blank_values=True, errors="strict", max_num_fields=4
        )
    except ValueError:
        pairs = []
    fields = dict(pairs)
    if len(body) > MAX_BODY or len(fields) != len(pairs) or fields.keys() - {"grant_type", "scope"}:
        raise Problem(Code.REQUEST_INVALID, errors=[FieldError("", "grant_type and, if wanted, scope, each once")])
    if fields.get("grant_type") != "client_credentials":
        raise Problem(Code.REQUEST_INVALID, errors=[FieldError("/grant_type", "client_credentials")])
    return fields


def _roles(caller: Caller, fields: dict[str, str]) -> frozenset[Role]:
    """Return the roles asked for, which are all the caller's own.

    Raises:
        Problem: REQUEST_INVALID; one is not.
    """
    if "scope" not in fields:
        return caller.principal.roles
    asked = fields["scope"].split(" ")
    roles = frozenset(role for role in caller.principal.roles if role.value in asked)
    if not asked or len(roles) != len(asked):
        raise Problem(
            Code.REQUEST_INVALID, errors=[FieldError("/scope", "roles of yours, each once, by single spaces")]
        )
    return roles
