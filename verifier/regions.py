"""The services of regions, as a window asks them: codes redeemed, consent asked for, licences handed out.

Every request is signed with the window's key (RFC 9421, docs/signing.md), which an agent keeps. Nothing that comes back
is believed: at most so many bytes are read within so many seconds, no redirect is followed, no compression accepted.
Whatever goes wrong on the way is "cannot tell" and never "used" or "refused": only the service says that.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx2

from ecert.errors import CustodyError, EcertError, NotFoundError, Reason, RejectedError, UndeterminedError
from ecert.licence.codes import region_name, region_with_code
from ecert.presentation import DynamicCode, read_code, use_terms
from ecert.report import timestamp
from ecert.web.agent_client import open_agent_signer
from ecert.web.message_signatures import sign
from ecert.web.signature_base import Message
from verifier.handed import MAX_COPY, MAX_LICENCES, read_licences, read_problem, read_request, read_showing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from datetime import datetime

    from ecert.matter import Person
    from ecert.presentation import CounterConsent, Requester, Use, Wanted, Way
    from ecert.verification import Verdict
    from verifier.handed import Asked, Handed
    from verifier.redeeming import Showing

PATIENCE: Final = 8.0
"""Seconds that a service may take for an answer; a clerk and a citizen stand and wait."""
MAX_ANSWER: Final = 64 * 1024
"""The longest answer without licences in bytes."""
MAX_HANDED: Final = (MAX_COPY + 1024 * 1024) * 4 // 3 * min(MAX_LICENCES, 4)
"""The longest answer with licences in bytes: the window keeps no more of one case."""

MAX_REPORTS: Final = 64
"""How many scans of printed codes may wait to be told to their regions."""

_AGENT_PATIENCE: Final = 2.0
_SAID: Final = {
    Reason.CODE_UNKNOWN,
    Reason.CODE_USED,
    Reason.CODE_EXPIRED,
    Reason.TEXT_DAMAGED,
    Reason.CONSENT_MISSING,
    Reason.CONSENT_REFUSED,
    Reason.CONSENT_LAPSED,
    Reason.GRANT_MISMATCH,
    Reason.LEGAL_BASIS_MISSING,
}
"""What a service may say of a code or a request; all else is its own trouble, or ours."""
_AWAY: Final = {"source-unreachable", "busy", "internal", "agent-unreachable"}
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_log = logging.getLogger("ecert.verifier")


@dataclass(frozen=True, slots=True)
class Connection:
    """How a window reaches a region's service.

    Attributes:
        region: Its code, 6 digits.
        service: Its address as it calls itself: scheme, host and port.
        caller: The window's key, in the keeping of an agent: `agent:/path/to.sock#name`.
    """

    region: str
    service: str
    caller: str

    @property
    def title(self) -> str:
        """The region as people call it."""
        name = region_name(self.region)
        return self.region if name is None else name.zh


class RegionServices:
    """The services of all regions that a window is connected with."""

    def __init__(self, connections: Sequence[Connection], clock: Callable[[], datetime]) -> None:
        """Connect; nothing is asked yet."""
        self._services = {one.region: RegionService(one, clock) for one in connections}
        self._reports: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """With which regions, in their order."""
        return tuple(one.connection for one in self._services.values())

    def of(self, region: str) -> RegionService:
        """Return a region's service.

        Raises:
            UndeterminedError: REGION_NOT_CONNECTED; this window has none.
        """
        service = self._services.get(region)
        if service is None:
            raise UndeterminedError(Reason.REGION_NOT_CONNECTED, region_with_code(region))
        return service

    async def look(self, text: str, window: str) -> Showing:
        """See `verifier.redeeming.Redeemer`."""
        return await self.of(DynamicCode.decode(read_code(text)[1]).region).look(text, window)

    def report(self, verdict: Verdict, window: str, operator: str, use: Use | None, *, way: Way) -> None:
        """See `verifier.redeeming.Redeemer`. What fails, or is too much at once, is logged and not told again."""
        service = None if verdict.key is None else self._services.get(verdict.key.region.code)
        if verdict.content is None or service is None:
            return
        if len(self._reports) >= MAX_REPORTS:
            _log.warning("a use was not reported: %d others wait", MAX_REPORTS)
            return
        identifier = verdict.content.identifier.text
        task = asyncio.create_task(_told(service.report(identifier, window, operator, use, way=way)))
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def close(self) -> None:
        """Let go of connections."""
        for service in self._services.values():
            await service.close()


async def _told(report: Coroutine[None, None, None]) -> None:
    try:
        await report
    except EcertError as error:
        _log.warning("a use was not reported: %s", error.reason)


class RegionService:
    """One region's service. Every method raises what the service says, and `UndeterminedError` where it says nothing.

    REGION_UNREACHABLE: it does not answer in time, or our key cannot be used. REGION_ANSWER_UNUSABLE: it answers
    something else than the contract says.
    """

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        """Ask the service at the end of a connection."""
        self.connection = connection
        self._clock = clock
        self._client = httpx2.AsyncClient(
            headers={"User-Agent": "ecert-verifier", "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(PATIENCE),
            trust_env=False,
        )

    async def redeem(self, text: str, window: str, operator: str, use: Use) -> tuple[Handed, ...]:
        """Redeem a dynamic code: once.

        Raises:
            RejectedError: CODE_UNKNOWN, CODE_USED, CODE_EXPIRED, TEXT_DAMAGED or GRANT_MISMATCH.
        """
        content = {"text": text, "window": window, "operator": operator, "use": use_terms(use)}
        return read_licences(await self._ask("POST", "/api/v1/showings/redeem", content, MAX_HANDED))

    async def look(self, text: str, window: str) -> Showing:
        """Redeem a dynamic code for its faces alone: once.

        Raises:
            RejectedError: CODE_UNKNOWN, CODE_USED, CODE_EXPIRED or TEXT_DAMAGED.
        """
        content = {"text": text, "window": window, "operator": window, "use": None}
        return read_showing(await self._ask("POST", "/api/v1/showings/redeem", content))

    async def ask(
        self,
        requester: Requester,
        use: Use,
        wanted: Sequence[Wanted],
        holder: Person,
        *,
        answer_by: datetime,
        until: datetime,
    ) -> Asked:
        """Put a request before a holder; the answer is the same whether there is such a holder or not."""
        content = {
            "requester": {"code": requester.code, "name": requester.name, "operator": requester.operator},
            "use": use_terms(use),
            "wanted": _wanted(wanted),
            "holder": _holder(holder),
            "answer_by": timestamp(answer_by),
            "until": timestamp(until),
        }
        return read_request(await self._ask("POST", "/api/v1/consents", content))

    async def standing(self, request: str) -> Asked:
        """Return how a request stands.

        Raises:
            NotFoundError: CONSENT_MISSING; the service knows of none.
        """
        return read_request(await self._ask("GET", f"/api/v1/consents/{_checked(request)}"))

    async def collect(self, request: str, window: str, operator: str) -> tuple[Handed, ...]:
        """Return the licences that a holder granted; the service records a use each time.

        Raises:
            RejectedError: CONSENT_MISSING, CONSENT_REFUSED or CONSENT_LAPSED.
        """
        path, content = f"/api/v1/consents/{_checked(request)}/licences", {"window": window, "operator": operator}
        return read_licences(await self._ask("POST", path, content, MAX_HANDED))

    async def pull(
        self,
        window: str,
        operator: str,
        use: Use,
        wanted: Sequence[Wanted],
        *,
        holder: Person,
        consent: CounterConsent | None,
    ) -> tuple[Handed, ...]:
        """Return the licences of a holder without a phone; the service records a use of each.

        Args:
            window: This window.
            operator: The clerk.
            use: What for.
            wanted: Types, and what is to be read in them.
            holder: Whose.
            consent: What was signed at the counter; None: by a basis that the service has registered (依职能).

        Raises:
            RejectedError: LEGAL_BASIS_MISSING or GRANT_MISMATCH.
        """
        content = {
            "window": window,
            "operator": operator,
            "use": use_terms(use),
            "wanted": _wanted(wanted),
            "holder": _holder(holder),
            "consent": None
            if consent is None
            else {"form": consent.form.value, "evidence": consent.evidence, "until": timestamp(consent.until)},
        }
        return read_licences(await self._ask("POST", "/api/v1/pulls", content, MAX_HANDED))

    async def report(self, identifier: str, window: str, operator: str, use: Use | None, *, way: Way) -> None:
        """Tell the service that a licence's printed code was scanned, or its file looked at, for its holder to read."""
        terms = None if use is None else use_terms(use)
        content = {"identifier": identifier, "window": window, "operator": operator, "use": terms}
        await self._ask("POST", "/api/v1/uses", {**content, "way": way.value})

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _ask(
        self, method: str, path: str, content: Mapping[str, Any] | None = None, limit: int = MAX_ANSWER
    ) -> bytes:
        """Send one request, signed; return the body of the answer that it was done."""
        body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
        url = self.connection.service + path
        headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)} if body else {}
        headers |= await asyncio.to_thread(self._sign, Message(method, url, tuple(headers.items()), body))
        try:
            async with (
                asyncio.timeout(PATIENCE),
                self._client.stream(method, url, content=body or None, headers=headers) as answer,
            ):
                data = await _read(answer, limit)
        except (httpx2.HTTPError, httpx2.StreamError, TimeoutError, OSError) as error:
            raise self._unreachable(type(error).__name__) from error
        if answer.is_success:
            return data
        raise self._problem(answer.status_code, data)

    def _sign(self, message: Message) -> dict[str, str]:
        try:
            signer = open_agent_signer(self.connection.caller, patience=_AGENT_PATIENCE)
            return sign(
                message,
                signer,
                keyid=signer.public_key.key_id.hex(),
                created=self._clock(),
                nonce=secrets.token_urlsafe(16),
            )
        except CustodyError as error:
            raise self._unreachable(f"the window's own key: {error.reason}") from error

    def _unreachable(self, what: str) -> UndeterminedError:
        return UndeterminedError(Reason.REGION_UNREACHABLE, f"{self.connection.title}：{what}")

    def _problem(self, status: int, data: bytes) -> EcertError:
        """Return what a service that did not do it says, where it says that in words that we know."""
        try:
            found = read_problem(data)
        except UndeterminedError:
            if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
                return self._unreachable(f"HTTP {status}")
            return UndeterminedError(Reason.REGION_ANSWER_UNUSABLE, f"{self.connection.title}：HTTP {status}")
        if found.code in _SAID:
            return RejectedError(Reason(found.code), found.detail)
        if found.code in _AWAY:
            return self._unreachable(found.code)
        if status == httpx2.codes.NOT_FOUND:
            return NotFoundError(Reason.CONSENT_MISSING, f"{self.connection.title}：{found.code}")
        return UndeterminedError(Reason.REGION_ANSWER_UNUSABLE, f"{self.connection.title}：{found.code}")


def _checked(request: str) -> str:
    """Return a request's identifier if it can stand in an address."""
    if not _ID.fullmatch(request):
        raise NotFoundError(Reason.CONSENT_MISSING, "no request has such an identifier")
    return request


def _wanted(wanted: Sequence[Wanted]) -> list[dict[str, Any]]:
    return [{"type": one.type_code, "fields": list(one.fields)} for one in wanted]


def _holder(holder: Person) -> dict[str, str]:
    return {"code_type": holder.code_type, "code": holder.code, "name": holder.name}


async def _read(answer: httpx2.Response, limit: int) -> bytes:
    data = bytearray()
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise UndeterminedError(Reason.REGION_ANSWER_UNUSABLE, "it answers compressed, which was not asked for")
    async for piece in answer.aiter_raw():
        data += piece
        if len(data) > limit:
            raise UndeterminedError(Reason.REGION_ANSWER_UNUSABLE, f"an answer has at most {limit} bytes")
    return bytes(data)
