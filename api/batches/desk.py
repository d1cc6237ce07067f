"""What a department does with batches: hands one in, starts it, alone or by proposing to, cancels it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from api.batches.book import Batch, BatchBook, Order, new_key
from api.batches.rows import batch_name
from api.batches.states import BatchState
from api.catalogue.book import TypeBook
from api.lifecycle.proposals import NewProposal, ProposalBook
from ecert.errors import IssuanceError, Reason

if TYPE_CHECKING:
    from datetime import datetime

    from api.access.permissions import Scope
    from api.access.principals import Principal
    from api.at_rest import Lock
    from api.batches.parts import Intake
    from api.batches.workshop import Workshop
    from api.departments import Issuer
    from api.ledger import SqlLedger
    from api.lifecycle.deciding import People
    from api.lifecycle.proposals import Proposal
    from ecert.web.digests import Digests

SUBJECT = "seal-use"
"""What is proposed of a batch, among proposals."""
_ABOUT = 32


def new_lock(ledger: SqlLedger) -> tuple[str, bytes, Lock]:
    """Return the key of a new batch, and what it is encrypted with: encrypted, and in use."""
    key = new_key()
    return key, *ledger.at_rest.lock(batch_name(key))


class BatchDesk:
    """Serves one caller."""

    def __init__(self, shop: Workshop, ledger: SqlLedger, caller: Principal, scope: Scope) -> None:
        """Work for `caller`, no further than `scope` reaches."""
        self._shop, self._ledger, self._caller = shop, ledger, caller
        self._book = BatchBook(ledger, scope)

    def require_order(self, type_code: str | None, name: str, *, files: bool) -> Order:
        """Return what a batch is handed in as.

        Raises:
            NotFoundError: TYPE_UNKNOWN, no such type is published; ISSUER_UNKNOWN, the department does not issue here.
            IssuanceError: SEAL_STATUS_MISSING; it has no seal to make files with.
        """
        department = self._caller.department or ""
        issuer = self._shop.departments.issuer(self._ledger, department)
        if type_code is not None:
            TypeBook(self._ledger.database).published(type_code)
        if files and issuer.files is None:
            raise IssuanceError(Reason.SEAL_STATUS_MISSING, "the department has no seal: hand it in without files")
        return Order(department, type_code, name, files)

    def hand_in(self, key: str, secret: bytes, order: Order, intake: Intake, digests: Digests) -> Batch:
        """Keep a table, to be validated."""
        return self._book.hand_in(key, secret, order, intake, digests, now=self._shop.clock())

    def start(self, key: str) -> Batch:
        """Begin to issue a batch; one of more licences than one person may seal alone is proposed to a second.

        Raises:
            NotFoundError: BATCH_UNKNOWN.
            IssuanceError: BATCH_STATE; it is not ready.
        """
        now, batch = self._shop.clock(), self._book.find(key)
        if batch.state is not BatchState.READY:
            raise IssuanceError(Reason.BATCH_STATE, f"the batch is {batch.state}")
        if batch.good <= self._issuer(batch).alone_up_to:
            return self._book.start(key, now)
        self._propose(batch, now)
        return self._book.find(key)

    def takes_two(self, batch: Batch) -> bool:
        """Tell whether a second person must approve before a batch is issued."""
        return batch.good > self._issuer(batch).alone_up_to

    def _issuer(self, batch: Batch) -> Issuer:
        return self._shop.departments.issuer(self._ledger, batch.department)

    def _propose(self, batch: Batch, now: datetime) -> None:
        new = NewProposal(
            department=batch.department,
            subject=SUBJECT,
            content=json.dumps({"licences": batch.good, "files": batch.files}).encode(),
            about=batch.digest.hex()[:_ABOUT],
            proposer=self._caller.id,
            batch=batch.key,
        )
        with self._ledger.database.transaction():
            ProposalBook(self._ledger).propose(new, now)

    def cancel(self, key: str) -> Batch:
        """End a batch.

        Raises:
            NotFoundError: BATCH_UNKNOWN.
            IssuanceError: BATCH_STATE; it has ended.
        """
        now = self._shop.clock()
        with self._ledger.database.transaction():
            cancelled = self._book.cancel(key, now)
            ProposalBook(self._ledger).lapse(key, now)
        return cancelled


def carry_out(ledger: SqlLedger, proposal: Proposal, _: People, now: datetime) -> None:
    """Begin to issue a batch that a second person approved, in the transaction under way.

    Raises:
        IssuanceError: BATCH_STATE; it is ready no more.
    """
    BatchBook(ledger).start(proposal.batch or "", now)
