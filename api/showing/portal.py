"""A holder's side of one region: the same whether the ledger is here or another region's service is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from api.showing.bodies import (
        AnswerBody,
        ConsentBody,
        ConsentsBody,
        DisclosureBody,
        KeyBody,
        LicenceBody,
        LicencesBody,
        LookBody,
        NamedBody,
        PageBody,
        PictureBody,
        ShowBody,
        ShowingBody,
        UsesBody,
    )
    from api.showing.holders import Holder
    from ecert.licence.codes import Phrase


class Portal(Protocol):
    """One region, for holders who have signed in. `session` is that of the phone.

    Every method raises UndeterminedError (SOURCE_UNREACHABLE) where the region does not answer.
    """

    @property
    def region(self) -> str:
        """Its code."""

    @property
    def name(self) -> Phrase:
        """What it is called."""

    async def licences(self, holder: Holder) -> LicencesBody:
        """Return the licences of a holder there, masked."""

    async def find(self, holder: Holder, asked: NamedBody) -> LicenceBody:
        """Return one licence, masked.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND.
        """

    async def reveal(self, holder: Holder, asked: DisclosureBody) -> LicenceBody:
        """Return one licence with some of it unmasked; that it was looked at is logged.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND.
        """

    async def picture(self, holder: Holder, asked: DisclosureBody) -> PictureBody:
        """Return the page of one licence, masked but for what is disclosed.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND; they hold none like that, or it has no page.
        """

    async def put_up(self, holder: Holder, session: str, asked: ShowBody) -> ShowingBody:
        """Put licences up under a new dynamic code.

        Raises:
            NotFoundError: LICENCE_NOT_FOUND.
        """

    async def look(self, holder: Holder, asked: KeyBody) -> LookBody:
        """Return how a showing stands."""

    async def drop(self, holder: Holder, asked: KeyBody) -> None:
        """Take a showing down; one that a window has taken stays so."""

    async def consents(self, holder: Holder, asked: PageBody) -> ConsentsBody:
        """Return a page of what the holder was asked.

        Raises:
            EcertError: USAGE; the cursor is none.
        """

    async def answer(self, holder: Holder, name: str, asked: AnswerBody) -> ConsentBody:
        """Answer a request.

        Raises:
            NotFoundError: CONSENT_UNKNOWN.
            RejectedError: CONSENT_LAPSED or CONSENT_ANSWERED.
        """

    async def uses(self, holder: Holder, asked: PageBody) -> UsesBody:
        """Return a page of the uses of the holder's licences there.

        Raises:
            EcertError: USAGE; the cursor is none.
        """
