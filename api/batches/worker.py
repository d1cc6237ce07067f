"""What works on batches beside requests: chunks first, then files to be validated, one thing at a time."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from api.batches.book import BatchBook
from api.batches.checking import Checker
from api.batches.claims import Claim, ClaimLostError
from api.batches.issuing import Chunk, ChunkIssue, put_off, take_chunk
from api.batches.validating import Validation
from api.catalogue.book import TypeBook
from api.service_schema import batch_chunks, batches
from ecert.errors import EcertError, Reason

if TYPE_CHECKING:
    from threading import Event

    from api.batches.book import Batch
    from api.batches.workshop import Workshop
    from api.ledger import SqlLedger

LEASE: Final = timedelta(seconds=60)
"""How long a claim lasts: after a machine was lost, others wait as long before they take up its chunk."""
LATER: Final = timedelta(seconds=20)
"""How long a chunk rests that could not be issued, because of a key, a seal or the registry."""
IDLE: Final = 0.5
"""Seconds between two looks for something to do."""

_log = logging.getLogger("ecert.batches")


def _name() -> str:
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"


def _lives(name: str) -> bool:
    """Tell whether the process of a worker of this machine may still be there; this process has another name now."""
    process = int(name.split(":")[1])
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass(frozen=True)
class Worker:
    """Works in one thread.

    Attributes:
        shop: What it works with.
        lease: How long a claim lasts.
        name: Tells it from all others.
    """

    shop: Workshop
    lease: timedelta = LEASE
    name: str = field(default_factory=_name)

    def run(self, stop: Event) -> None:
        """Work until told to stop; what was begun is finished."""
        self.shop.pool.do(self._take_over)
        while not stop.is_set():
            if not self.step():
                stop.wait(IDLE)

    def step(self) -> bool:
        """Do one thing, if there is one to do; tell whether there was."""
        return self.shop.pool.do(self._issue) or self.shop.pool.do(self._validate)

    def _take_over(self, ledger: SqlLedger) -> None:
        """Free what processes of this machine had claimed that are no more: nobody needs to wait for it."""
        host = self.name.partition(":")[0]
        for table in (batch_chunks, batches):
            here = table.c.worker.startswith(f"{host}:", autoescape=True)
            names = ledger.database.run(select(table.c.worker).where(here).distinct())
            gone = [name for name in names.scalars() if name != self.name and not _lives(name)]
            if gone:
                ledger.database.run(update(table).where(table.c.worker.in_(gone)).values(worker_until=None))

    def _issue(self, ledger: SqlLedger) -> bool:
        chunk = take_chunk(ledger, self.name, self.shop.clock(), self.lease)
        if chunk is None:
            return False
        try:
            self._issue_chunk(ledger, chunk)
        except EcertError as error:
            if error.reason is not Reason.BATCH_STATE:
                _log.warning("batch %s waits: %s", chunk.batch, error)
                put_off(ledger, chunk, error, self.shop.clock() + LATER)
        return True

    def _issue_chunk(self, ledger: SqlLedger, chunk: Chunk) -> None:
        batch = BatchBook(ledger).find(chunk.batch)
        ledger.database.actor = batch.operator
        issuer = self.shop.departments.issuer(ledger, batch.department)
        ChunkIssue(ledger, batch, chunk, issuer, self.shop.clock).run()

    def _validate(self, ledger: SqlLedger) -> bool:
        claim = Claim(self.name, self.shop.clock, self.lease)
        key = claim.take(ledger)
        if key is None:
            return False
        try:
            self._validate_batch(ledger, key, claim)
        except ClaimLostError:
            _log.info("batch %s is another's, or cancelled", key)
        return True

    def _validate_batch(self, ledger: SqlLedger, key: str, claim: Claim) -> None:
        batch = BatchBook(ledger).find(key)
        ledger.database.actor = batch.operator
        try:
            Validation(ledger, batch, self._checker(ledger, batch), claim).run()
        except EcertError as error:
            _log.warning("batch %s waits: %s", key, error)
            claim.put_off(ledger, key, error, self.shop.clock() + LATER)

    def _checker(self, ledger: SqlLedger, batch: Batch) -> Checker:
        issuer = self.shop.departments.issuer(ledger, batch.department)
        types = TypeBook(ledger.database)
        catalogue = {one.definition.code: one.definition for one in types.all_published()}
        only = None if batch.type_code is None else types.published(batch.type_code).definition
        return Checker(ledger, issuer, catalogue, only, files=batch.files, at=self.shop.clock())
