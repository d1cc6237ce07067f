"""Licences that come from another region (转入): issued here once that region has let them go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from api.audit import AuditBook
from api.decisions import make_decision
from api.folder import StatusFolder
from api.licences.foreign import read_foreign
from api.lifecycle.deciding import People, record
from api.schema import decisions
from api.service_schema import licences
from ecert import envelope
from ecert.errors import FieldProblem, IssuanceError, Reason, UndeterminedError
from ecert.licence.application import HOLDER_CODE, TYPE_CODE
from ecert.licence.codes import PROVINCES, Phrase
from ecert.licence.record import MAX_RECORD, decode_record, read_fields
from ecert.revocation import ReasonCode, State
from ecert.sm2 import sm3

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from api.ledger import SqlLedger
    from ecert.licence.application import Application
    from ecert.licence.identifier import Identifier
    from ecert.ports import Completion, Parent
    from ecert.trust import Registry

_OTHER_REGION: Final = Phrase("the sealed record of a licence of another region", "另一地区签发的证照记录")
_SAME: Final = Phrase("the same as in the record of the licence that comes", "与转来证照的记录一致")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a transfer rests on: reason, law and document number, all published."""

    reason: str
    legal_basis: str
    document: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A licence that another region has let go.

    Attributes:
        identifier: Its identifier there.
        region: Where it comes from, six digits.
        holder_code: Whose it is.
    """

    identifier: Identifier
    region: str
    holder_code: str

    @property
    def mark(self) -> str:
        """How it is named where everybody reads it: identifiers of other systems may carry a person's number."""
        digest = sm3(self.identifier.text.encode()).hex()[:16]
        return f"自{PROVINCES[self.region[:2]].zh}（{self.region}）转入，原证照 {digest}"


def read_arrival(record: bytes, registry: Registry, published: Path, region: str, now: datetime) -> Arrival:
    """Read a licence of another region that is to come here.

    Args:
        record: Its sealed record.
        registry: Who may sign, and where.
        published: Where the regions' status is.
        region: Where it is to come, six digits.
        now: The clock.

    Raises:
        IssuanceError: DECISION_INVALID, it is this region's own; ACTION_NOT_ALLOWED, it was not transferred out.
        UndeterminedError: what became of it is not known here.
        EcertError: it is none, or not sealed by a registered key.
    """
    known = read_foreign(record, registry)
    key = registry.find(known.key_id)
    signed = envelope.decode(record, limit=MAX_RECORD)
    if key is None or key.region.code == region or signed.kind is not envelope.Kind.RECORD:
        problem = FieldProblem("/record", _OTHER_REGION.en, _OTHER_REGION.zh)
        raise IssuanceError(Reason.DECISION_INVALID, "no licence of another region", (problem,))
    _require_let_go(known, registry, published, key.region.code, now)
    fields = read_fields(signed.unprotected, decode_record(signed.payload).digests)
    return Arrival(known.identifier, key.region.code, str(fields.get(HOLDER_CODE, "")))


def _require_let_go(known: Parent, registry: Registry, published: Path, region: str, now: datetime) -> None:
    held = StatusFolder(published, region).load(registry, now=now)
    if held is None:
        raise UndeterminedError(Reason.STATUS_MISSING, f"the status of region {region} is not here: fetch it first")
    state = held[1].mark(known.key_id, known.status).state
    if state is not State.TRANSFERRED:
        detail = f"in region {region} the licence is {state.name.lower()}: it must be transferred out there first"
        raise IssuanceError(Reason.ACTION_NOT_ALLOWED, detail)


def require_same(arrival: Arrival, application: Application) -> None:
    """Require that an application is for the licence that comes, of the same holder.

    Raises:
        IssuanceError: APPLICATION_INVALID; it is not.
    """
    pairs = (
        (TYPE_CODE, application.type_code, arrival.identifier.type_code),
        (HOLDER_CODE, application.holder_code, arrival.holder_code),
    )
    problems = tuple(FieldProblem(f"/{name}", _SAME.en, _SAME.zh) for name, ours, theirs in pairs if ours != theirs)
    if problems:
        raise IssuanceError(Reason.APPLICATION_INVALID, "the application is for another licence", problems)


def note_arrival(ledger: SqlLedger, done: Completion, arrival: Arrival, ground: Ground, people: People) -> None:
    """Record where a licence just issued came from, in the transaction that completes it.

    Raises:
        IssuanceError: LEDGER_CONFLICT; it came here before.
    """
    _require_once(ledger, arrival)
    decision = make_decision(
        done.identifier,
        State.VALID,
        now=done.at,
        reason=f"{arrival.mark}：{ground.reason}",
        reason_code=ReasonCode.MOVED,
        legal_basis=ground.legal_basis,
        document=ground.document,
    )
    record(ledger, decision, people)
    details = {"from": sm3(arrival.identifier.text.encode()).hex()[:16]}
    AuditBook(ledger.database).record("licence.transfer-in", done.identifier.text, done.at, details=details)


def _require_once(ledger: SqlLedger, arrival: Arrival) -> None:
    """A licence of this holder that came before says in its history where from; one withdrawn again does not count."""
    joined = licences.join(decisions, decisions.c.identifier == licences.c.identifier)
    query = (
        select(licences.c.key)
        .select_from(joined)
        .where(
            licences.c.holder_index == ledger.at_rest.holder_index(arrival.holder_code),
            licences.c.state != State.WITHDRAWN.value,
            decisions.c.reason_code == ReasonCode.MOVED.value,
            decisions.c.reason.startswith(arrival.mark),
        )
    )
    if ledger.database.row(query) is not None:
        raise IssuanceError(Reason.LEDGER_CONFLICT, "this licence came here before: it has been issued already")
