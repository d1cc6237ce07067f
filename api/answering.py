"""Signed answers to "was it valid on that day?", from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.chain import ChainBook
from api.decisions import event_of
from api.publishing import status_key
from ecert.errors import CustodyError, EcertError, NotFoundError, Reason
from ecert.revocation import StatusAnswer, load_answer, seal_answer, state_at

if TYPE_CHECKING:
    from datetime import datetime

    from api.ledger import SqlLedger
    from ecert.licence.identifier import Identifier
    from ecert.sm2 import Signer
    from ecert.trust import Registry


def answer_question(
    ledger: SqlLedger, registry: Registry, signer: Signer, identifier: Identifier, at: datetime, *, now: datetime
) -> tuple[bytes, StatusAnswer]:
    """Answer what the state of a licence was at `at`, signed by the region's status key.

    Raises:
        EcertError: USAGE; `at` lies in the future, or before the licence was sealed.
        NotFoundError: the licence was never issued, or nothing was published yet.
        CustodyError: the signer is not the status key of the licence's region.
    """
    region = status_key(registry, signer).region.code
    at, now = at.replace(microsecond=0), now.replace(microsecond=0)
    known, newest = ledger.issued(identifier), ChainBook(ledger.database).publication()
    if newest is None:
        raise NotFoundError(Reason.STATUS_MISSING, "nothing was published from this ledger yet: publish first")
    sealed_at = known.at
    if not sealed_at <= at <= now:
        raise EcertError(Reason.USAGE, f"ask about a time from its sealing, {sealed_at:%F %T}Z, until now")
    key = registry.find(known.key_id)
    if key is None or key.region.code != region:
        raise CustodyError(Reason.KEY_MISMATCH, f"region {region} does not answer for this licence")
    state, event = state_at([event_of(decision) for decision in ledger.history(identifier)], at)
    answer = StatusAnswer(
        region=region,
        identifier=identifier.text,
        key_id=known.key_id,
        reference=known.status,
        asked_at=at,
        state=state,
        event=event,
        sequence=newest.sequence,
        known_at=newest.issued_at,
        answered_at=max(now, newest.issued_at),
    )
    data = seal_answer(answer, signer)
    return data, load_answer(data, registry, now=max(now, newest.issued_at))
