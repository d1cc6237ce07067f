"""One licence, issued by a department over the service: all of it in the transaction that completes it."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlalchemy import update

from api.service_schema import licences
from ecert.errors import FieldProblem, IssuanceError, Reason
from ecert.issuance import issue
from ecert.licence.codes import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from api.catalogue.book import PublishedType
    from api.departments import Issuer
    from api.ledger import SqlLedger
    from ecert.issuance import SealedLicence
    from ecert.licence.application import Application
    from ecert.licence.identifier import Identifier
    from ecert.ports import Completion, Parent

MAX_PAPER_SERIAL = 64
"""The longest number printed on the paper of a licence, in characters."""


@dataclass(frozen=True, slots=True)
class Order:
    """A licence to be issued.

    Attributes:
        application: What the department handed in.
        kind: The type that it is of.
        foreign: Licences of other ledgers that it depends on.
        paper_serial: 纸质证照印制号; empty where there is no paper.
        replaces: The version that it takes the place of.
    """

    application: Application
    kind: PublishedType
    foreign: Mapping[Identifier, Parent] = field(default_factory=dict)
    paper_serial: str = ""
    replaces: Identifier | None = None

    def __post_init__(self) -> None:
        """Require a paper serial that can be printed.

        Raises:
            IssuanceError: APPLICATION_INVALID; it cannot.
        """
        require_serial(self.paper_serial)


def require_serial(serial: str) -> None:
    """Require a paper serial that can be printed.

    Raises:
        IssuanceError: APPLICATION_INVALID; it cannot.
    """
    if len(serial) > MAX_PAPER_SERIAL or not serial.isprintable():
        expected = Phrase(f"at most {MAX_PAPER_SERIAL} printable characters", f"至多 {MAX_PAPER_SERIAL} 个可打印字符")
        problem = FieldProblem("/paper_serial", expected.en, expected.zh)
        raise IssuanceError(Reason.APPLICATION_INVALID, "the paper serial cannot be printed", (problem,))


def require_alone(issuer: Issuer) -> None:
    """Require that one person may seal a licence of a department.

    Raises:
        IssuanceError: SECOND_PERSON_NEEDED; nobody may, and it is handed in as a batch, which somebody else approves.
    """
    if issuer.alone_up_to < 1:
        raise IssuanceError(
            Reason.SECOND_PERSON_NEEDED,
            "nobody seals alone here: hand in a batch, which a second person approves",
        )


@contextmanager
def in_the_body() -> Iterator[None]:
    """Point into the request's body, where the application is a part."""
    try:
        yield
    except IssuanceError as error:
        placed = tuple(replace(one, pointer=f"/application{one.pointer}") for one in error.problems)
        raise IssuanceError(error.reason, error.detail, placed) from error


def issue_one(
    ledger: SqlLedger,
    issuer: Issuer,
    order: Order,
    clock: Callable[[], datetime],
    *,
    also: Callable[[Completion], None] = lambda _: None,
) -> SealedLicence:
    """Issue a licence.

    Args:
        ledger: Where it is recorded; its actor issues.
        issuer: The department.
        order: What is to be issued.
        clock: Returns the time.
        also: What else is done in the transaction that completes it.

    Raises:
        EcertError: as `ecert.issuance.issue`; nothing was completed.
    """

    def complete(done: Sequence[Completion]) -> None:
        if order.paper_serial:
            mine = licences.c.identifier == done[0].identifier.text
            ledger.database.run(update(licences).where(mine).values(paper_serial=order.paper_serial))
        also(done[0])

    with ledger.also(complete):
        return issue(
            order.application,
            order.kind.definition,
            issuer.key,
            signer=issuer.signer,
            ledger=ledger,
            now=clock,
            entropy=secrets.token_bytes,
            foreign=order.foreign,
            files=issuer.files,
            replaces=order.replaces,
        )
