"""Access tokens of this service (`ecert.web.access_tokens`): for systems that would rather not sign every request.

A system signs one request for a token; the token then speaks for it, for `LIFETIME`, within the roles that it asked
for. What the system may do is looked up at every use: a token is worth nothing once its caller's access has ended.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ecert.web import access_tokens
from ecert.web.access_tokens import Claims

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from api.access.callers import Caller
    from api.access.principals import Principal, Role
    from ecert.sm2 import Signer

LIFETIME: Final = timedelta(minutes=10)
"""How long a token is good."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Issues tokens, and takes its own alone.

    Attributes:
        signer: The key of the service's tokens.
        origin: The service, as callers know it; it issues the tokens, and they are for it.
        clock: Returns the time.
    """

    signer: Signer
    origin: str
    clock: Callable[[], datetime]

    def issue(self, principal: Principal, roles: frozenset[Role]) -> str:
        """Return a token that speaks for a system within some of its roles.

        Raises:
            CustodyError: the key cannot be used.
        """
        now = self.clock().replace(microsecond=0)
        claims = Claims(
            issuer=self.origin,
            subject=principal.id,
            audience=self.origin,
            client_id=principal.id,
            scope=tuple(sorted(role.value for role in roles)),
            token_id=secrets.token_urlsafe(16),
            issued=now,
            begins=now,
            ends=now + LIFETIME,
        )
        return access_tokens.issue(claims, self.signer)

    def read(self, token: str) -> Claims:
        """Return what a token says.

        Raises:
            EcertError: it is none of ours, or no longer good; as `access_tokens.verify`.
        """
        key = self.signer.public_key
        keys = {key.key_id.hex(): key}
        return access_tokens.verify(token, keys, issuer=self.origin, audience=self.origin, now=self.clock())

    def key_set(self) -> dict[str, list[dict[str, str]]]:
        """Return the keys that tokens are signed with, as a JWK set."""
        return access_tokens.key_set([self.signer.public_key])


def within(caller: Caller, scope: tuple[str, ...]) -> Caller:
    """Return a caller who has, of their roles, those in a token's scope alone."""
    roles = frozenset(role for role in caller.principal.roles if role.value in scope)
    return replace(caller, principal=replace(caller.principal, roles=roles))
