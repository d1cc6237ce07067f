"""Who may enter: from a request to a visit, or to the reason why not.

1. the caller proves who they are: by an SM2 signature over the request (RFC 9421) or by an access token
2. they do not call too often
3. `permissions.PERMISSIONS` has the operation for one of their roles, and says whose things they may touch with it
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fastapi import Request  # noqa: TC002  (the framework reads annotations)

from api.access.callers import Caller, CallerBook
from api.access.permissions import PERMISSIONS, Scope, scope_of
from api.access.tokens import within
from ecert.web.message_signatures import authenticate
from ecert.web.problems import Code, Problem
from ecert.web.signature_base import message_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from api.access.limits import RateLimits
    from api.access.principals import Principal
    from api.access.tokens import Tokens
    from api.ledger import SqlLedger
    from api.pool import LedgerPool
    from ecert.sm2 import PublicKey
    from ecert.web.digests import Digests
    from ecert.web.message_signatures import Nonces

CHALLENGES: Final = {"WWW-Authenticate": 'Signature realm="ecert", Bearer realm="ecert"'}
_SEEN: Final = timedelta(minutes=10)
"""How exact `seen_at` is."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A caller at work on one operation.

    Attributes:
        principal: Who it is.
        scope: Whose things they may touch.
    """

    principal: Principal
    scope: Scope


class Guard:
    """Stands before every operation of a region's service."""

    def __init__(
        self,
        pool: LedgerPool,
        region: str,
        *,
        origin: str,
        nonces: Nonces,
        limits: RateLimits,
        clock: Callable[[], datetime],
        tokens: Tokens | None = None,
    ) -> None:
        """Guard the service that callers know by `origin`; without `tokens` every request is signed."""
        self._pool, self._region, self._origin = pool, region, origin
        self._nonces, self._limits, self._clock, self._tokens = nonces, limits, clock, tokens

    def __call__(self, operation: str) -> Callable[[Request], Awaitable[Visit]]:
        """Return what lets a request into a route, to be depended on.

        Raises:
            KeyError: the table of permissions does not have the operation.
        """
        PERMISSIONS[operation]

        async def enter(request: Request) -> Visit:
            require_text(request)
            return await self.admit(await self.identify(request, await request.body()), operation)

        return enter

    async def identify(self, request: Request, body: bytes | Digests) -> Caller:
        """Return who sent a request, by its token if it carries one, else by its signature.

        Raises:
            EcertError: it is not authentic.
            Problem: UNAUTHENTICATED; it carries no credential, or its caller's access has ended.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if self._tokens is not None and scheme.lower() == "bearer":
            return await self._by_token(self._tokens, token.strip())
        return await self.by_signature(request, body)

    async def by_signature(self, request: Request, body: bytes | Digests) -> Caller:
        """Return who signed a request.

        Raises:
            EcertError: it is not authentic.
            Problem: UNAUTHENTICATED; it is not signed.
        """
        if "signature-input" not in request.headers:
            raise Problem(Code.UNAUTHENTICATED, headers=CHALLENGES)
        known: list[Caller] = []

        async def find_key(key_id: str) -> PublicKey | None:
            found = await self._pool.ask(lambda ledger: self._book(ledger).by_key(key_id))
            known.extend([found] if found else [])
            return found.key if found else None

        message = message_of(request.scope, self._origin, body)
        await authenticate(message, find_key=find_key, nonces=self._nonces, now=self._clock())
        return known[0]

    async def _by_token(self, tokens: Tokens, token: str) -> Caller:
        claims = tokens.read(token)
        found = await self._pool.ask(lambda ledger: self._book(ledger).find(claims.subject))
        if found.ended_at is not None:
            raise Problem(Code.UNAUTHENTICATED, "the caller's access has ended", headers=CHALLENGES)
        return within(found, claims.scope)

    async def count(self, caller: Caller) -> None:
        """Count a caller's request, and note that they called.

        Raises:
            Problem: RATE_LIMITED.
        """
        await self._limits.take(caller.principal.id, caller.rate)
        await self._note(caller)

    async def admit(self, caller: Caller, operation: str) -> Visit:
        """Return a caller's visit.

        Raises:
            Problem: RATE_LIMITED or FORBIDDEN.
        """
        await self.count(caller)
        scope = scope_of(caller.principal, operation)
        if scope is None:
            raise Problem(Code.FORBIDDEN, f"none of your roles may {operation}")
        return Visit(caller.principal, scope)

    async def _note(self, caller: Caller) -> None:
        now = self._clock()
        if caller.seen_at is None or now - caller.seen_at > _SEEN:
            await self._pool.ask(lambda ledger: self._book(ledger).seen(caller.principal.id, now))

    def _book(self, ledger: SqlLedger) -> CallerBook:
        return CallerBook(ledger.database, self._region)


def require_text(request: Request) -> None:
    """Require that an address has no U+0000, which no text in a database has.

    Raises:
        Problem: NOT_FOUND.
    """
    asked = (part for pair in request.query_params.multi_items() for part in pair)
    if any("\0" in text for text in (request.scope["path"], *asked)):
        raise Problem(Code.NOT_FOUND)
