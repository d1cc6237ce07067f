"""What regions say of a holder, made ready for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from api.console.views.licences import LicenceState
from api.holder.views import HOME, Asked, Card, Older, Used
from api.showing.bodies import NamedBody
from ecert.errors import Reason
from ecert.presentation import Answer
from ecert.wording import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from api.showing.bodies import ConsentsBody, LicenceBody, UsesBody
    from api.showing.holders import Holder
    from api.showing.portal import Portal
    from api.showing.portals import Gathered
    from ecert.licence.codes import Phrase


def card_of(licence: LicenceBody, region: Phrase) -> Card:
    """Return a licence as a card of a list."""
    address = f"{HOME}/licences/{licence.region}/{licence.key}"
    return Card(licence, region, LicenceState[licence.state.name], address)


async def find_card(portal: Portal, holder: Holder, key: str) -> Card:
    """Return one licence of a holder by what names it in addresses.

    Raises:
        NotFoundError: LICENCE_NOT_FOUND; they hold none like that there.
        UndeterminedError: SOURCE_UNREACHABLE; the region does not answer.
    """
    return card_of(await portal.find(holder, NamedBody(licence=key)), portal.name)


def waiting_first(asked: Iterable[Asked]) -> tuple[Asked, ...]:
    """Return requests: those that wait for an answer first, then the newest."""
    newest = sorted(asked, key=lambda one: one.consent.asked_at, reverse=True)
    return tuple(sorted(newest, key=lambda one: one.consent.answer is not Answer.ASKED))


def latest_first(used: Iterable[Used]) -> tuple[Used, ...]:
    """Return uses, the newest first."""
    return tuple(sorted(used, key=lambda one: one.use.at, reverse=True))


def older(address: str, found: Gathered[ConsentsBody] | Gathered[UsesBody]) -> tuple[Older, ...]:
    """Return where the lists of regions go on, of those that do."""
    following = ((portal, said.next) for portal, said in found.found if said.next)
    return tuple(
        Older(portal.name, f"{address}?{urlencode({'region': portal.region, 'cursor': cursor})}")
        for portal, cursor in following
    )


def failure_of(outcome: str) -> str:
    """Return why a use came to nothing, in a sentence; empty where it did not."""
    if outcome == Reason.OK.value:
        return ""
    known = {reason.value: reason for reason in Reason}
    return words(known[outcome]).zh if outcome in known else outcome
