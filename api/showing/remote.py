"""A holder's side of another region: its service is asked, by requests that this service signs as a portal.

What comes back is hostile until read: bounded, of the form it must have, and it never reaches a page as it is.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx2
from pydantic import ValidationError

from api.access.oidc import require_safe
from api.showing.bodies import (
    ConsentBody,
    ConsentsBody,
    LicenceBody,
    LicencesBody,
    LookBody,
    PictureBody,
    ShowingBody,
    Told,
    UsesBody,
)
from ecert.errors import NotFoundError, Reason, RejectedError, UndeterminedError
from ecert.licence.codes import Phrase
from ecert.web.message_signatures import sign
from ecert.web.signature_base import Message

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import BaseModel

    from api.settings import PortalSettings
    from api.showing.bodies import AnswerBody, DisclosureBody, KeyBody, NamedBody, PageBody, ShowBody
    from api.showing.holders import Holder
    from ecert.sm2 import Signer

PATH: Final = "/api/v1/holders"
"""Below it a service answers portals."""
MAX_ANSWER: Final = 8 * 1024 * 1024
"""The longest answer in bytes."""
_PATIENCE: Final = 4.0
"""Seconds for one answer: a page waits for it."""
_MISSING: Final = (Reason.LICENCE_NOT_FOUND, Reason.LICENCE_ERASED, Reason.CONSENT_UNKNOWN)
_REFUSED: Final = (Reason.CONSENT_ANSWERED, Reason.CONSENT_LAPSED, Reason.USAGE)
_Body = TypeVar("_Body", bound=Told)


@dataclass(frozen=True, slots=True)
class RemotePortal:
    """A `Portal` to the service of another region.

    Attributes:
        settings: Where it is.
        signer: The key that it knows this service by.
        client: Asks it.
        clock: Returns the time.
    """

    settings: PortalSettings
    signer: Signer
    client: httpx2.AsyncClient
    clock: Callable[[], datetime]

    def __post_init__(self) -> None:
        """Refuse a service that would be asked across a network in the open.

        Raises:
            RejectedError: USAGE.
        """
        require_safe(self.settings.address)

    @property
    def region(self) -> str:
        """Its code."""
        return self.settings.region

    @property
    def name(self) -> Phrase:
        """What it is called."""
        return Phrase(self.settings.name_en, self.settings.name)

    async def licences(self, holder: Holder) -> LicencesBody:
        """See `Portal`."""
        said = await self._ask(LicencesBody, "/licences", holder)
        return LicencesBody(licences=[self._own(one) for one in said.licences])

    async def find(self, holder: Holder, asked: NamedBody) -> LicenceBody:
        """See `Portal`."""
        return self._own(await self._ask(LicenceBody, "/licences/find", holder, asked))

    async def reveal(self, holder: Holder, asked: DisclosureBody) -> LicenceBody:
        """See `Portal`."""
        return self._own(await self._ask(LicenceBody, "/licences/reveal", holder, asked))

    async def picture(self, holder: Holder, asked: DisclosureBody) -> PictureBody:
        """See `Portal`."""
        return await self._ask(PictureBody, "/licences/picture", holder, asked)

    async def put_up(self, holder: Holder, session: str, asked: ShowBody) -> ShowingBody:
        """See `Portal`."""
        return await self._ask(ShowingBody, "/showings", holder, asked, session=session)

    async def look(self, holder: Holder, asked: KeyBody) -> LookBody:
        """See `Portal`."""
        return await self._ask(LookBody, "/showings/look", holder, asked)

    async def drop(self, holder: Holder, asked: KeyBody) -> None:
        """See `Portal`."""
        await self._ask(Told, "/showings/drop", holder, asked)

    async def consents(self, holder: Holder, asked: PageBody) -> ConsentsBody:
        """See `Portal`."""
        return await self._ask(ConsentsBody, "/consents", holder, asked)

    async def answer(self, holder: Holder, name: str, asked: AnswerBody) -> ConsentBody:
        """See `Portal`."""
        return await self._ask(ConsentBody, f"/consents/{name}/answer", holder, asked)

    async def uses(self, holder: Holder, asked: PageBody) -> UsesBody:
        """See `Portal`."""
        return await self._ask(UsesBody, "/uses", holder, asked)

    async def _ask(
        self, kind: type[_Body], path: str, holder: Holder, asked: BaseModel | None = None, **more: str
    ) -> _Body:
        """Ask one thing.

        Raises:
            NotFoundError, RejectedError: what the service says of it.
            UndeterminedError: SOURCE_UNREACHABLE; it does not answer, or not as it must.
        """
        said = {"holder": holder.json()} | ({} if asked is None else asked.model_dump()) | more
        status, data = await self._send(f"{PATH}{path}", json.dumps(said, ensure_ascii=False).encode())
        if status != httpx2.codes.OK:
            raise self._refusal(data)
        try:
            return kind.model_validate_json(data)
        except ValidationError as error:
            raise self._unreachable(f"its answer has another form, in {error.error_count()} places") from None

    def _own(self, licence: LicenceBody) -> LicenceBody:
        """Return a licence of this region; a region speaks for itself alone."""
        if licence.region != self.region:
            raise self._unreachable("it tells of another region's licences")
        return licence

    async def _send(self, path: str, body: bytes) -> tuple[int, bytes]:
        address, headers = self.settings.address + path, {"Content-Type": "application/json"}
        try:
            async with asyncio.timeout(_PATIENCE):
                headers |= await asyncio.to_thread(self._signed, Message("POST", address, tuple(headers.items()), body))
                async with self.client.stream("POST", address, content=body, headers=headers) as response:
                    return response.status_code, await self._read(response)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise self._unreachable(type(error).__name__) from error

    async def _read(self, response: httpx2.Response) -> bytes:
        data = bytearray()
        async for part in response.aiter_bytes():
            data += part
            if len(data) > MAX_ANSWER:
                raise self._unreachable("its answer is too long")
        return bytes(data)

    def _signed(self, message: Message) -> dict[str, str]:
        name, nonce = self.signer.public_key.key_id.hex(), secrets.token_urlsafe(16)
        return sign(message, self.signer, keyid=name, created=self.clock(), nonce=nonce)

    def _refusal(self, data: bytes) -> NotFoundError | RejectedError | UndeterminedError:
        """Return the error that a service says, where it is one about what was asked."""
        code = _code(data)
        for reasons, kind in ((_MISSING, NotFoundError), (_REFUSED, RejectedError)):
            for reason in reasons:
                if reason.value == code:
                    return kind(reason, f"so says the service of region {self.region}")
        return self._unreachable("it refuses the request")

    def _unreachable(self, why: str) -> UndeterminedError:
        return UndeterminedError(
            Reason.SOURCE_UNREACHABLE, f"the service of region {self.region} does not answer: {why}"
        )


def _code(data: bytes) -> Any:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return said.get("code") if isinstance(said, dict) else None
