"""The seals of a region as operators see them: whose each is, how it stands, and what may be decided about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from api.schema import files
from api.seals import SealBook
from api.service_schema import licences
from ecert.errors import IssuanceError, NotFoundError, Reason
from ecert.licence.validity import china_midnight
from ecert.revocation.seal_list import SealEvent, SealState, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from api.access.permissions import Scope
    from api.database import Database
    from ecert.seal import Seal
    from ecert.trust import Member, Registry


class SealAction(StrEnum):
    """What may be decided about a seal."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    CANCEL = "cancel"


_A, _S, _C = SealState.ACTIVE, SealState.SUSPENDED, SealState.CANCELLED
MOVES: Final[Mapping[SealAction, tuple[tuple[SealState, ...], SealState]]] = {
    SealAction.SUSPEND: ((_A,), _S),
    SealAction.REINSTATE: ((_S,), _A),
    SealAction.CANCEL: ((_A, _S), _C),
}
"""From which states to which."""
MEDIA_TYPES: Final = {
    "PNG": "image/png",
    "JPG": "image/jpeg",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "SVG": "image/svg+xml",
}
"""The kinds of picture that browsers show."""


@dataclass(frozen=True, slots=True, repr=False)
class RegisteredSeal:
    """A seal of the register.

    Attributes:
        seal: As filed last under its code.
        owner: The body whose key may apply it; None when the registry knows none.
        maker: Who made it, likewise.
        state: As it was last decided.
        history: The decisions, in order.
    """

    seal: Seal
    owner: Member | None
    maker: Member | None
    state: SealState
    history: tuple[SealEvent, ...]

    def actions(self) -> list[SealAction]:
        """Return what may be decided about it now."""
        return [action for action, (before, _) in MOVES.items() if self.state in before]


class SealRegister:
    """The seals of a ledger that a caller may see."""

    def __init__(self, database: Database, registry: Registry, scope: Scope) -> None:
        """Read and decide in `database` what lies in `scope`; `registry` says whose a seal is."""
        self._db, self._scope = database, scope
        self._book = SealBook(database)
        self._bodies = {one.der: key.member for key in registry.keys() for one in key.certificates}  # noqa: SIM118

    def all(self, now: datetime) -> list[RegisteredSeal]:
        """Return them by code; one made to be used later is not among them yet."""
        entries, newest = self._book.entries(), {seal.info.code: seal for seal in self._book.filed()}
        found = [self._registered(seal, entries[code], now) for code, seal in newest.items()]
        return [one for one in found if one is not None and self._is_mine(one)]

    def _is_mine(self, one: RegisteredSeal) -> bool:
        mine = self._scope.department
        return mine is None or (one.owner is not None and one.owner.code == mine)

    def find(self, code: str, now: datetime) -> RegisteredSeal:
        """Return one.

        Raises:
            NotFoundError: SEAL_UNKNOWN; there is none for this caller.
        """
        for one in self.all(now):
            if one.seal.info.code == code:
                return one
        raise NotFoundError(Reason.SEAL_UNKNOWN, f"no seal {code} is filed")

    def decide(self, code: str, action: SealAction, reason: str, document: str, now: datetime) -> RegisteredSeal:
        """Decide about a seal, with effect from now.

        Raises:
            NotFoundError: SEAL_UNKNOWN; there is no such seal.
            IssuanceError: SEAL_STATE_CONFLICT; it is not in the state for this.
            EcertError: USAGE; a text does not fit.
        """
        before, after = MOVES[action]
        with self._db.transaction():
            held = self.find(code, now)
            if held.state not in before:
                raise IssuanceError(Reason.SEAL_STATE_CONFLICT, f"the seal is {held.state.name.lower()}")
            at = max(now.replace(microsecond=0), held.history[-1].decided_at)
            self._book.decide(code, SealEvent(after, at, at, reason, document))
            return self.find(code, now)

    def uses_today(self, department: str, now: datetime) -> int:
        """Return how many files a department has sealed since midnight in China."""
        made = select(func.count()).select_from(files.join(licences, licences.c.identifier == files.c.identifier))
        mine = (licences.c.department == department, licences.c.issued_at >= china_midnight(now))
        return self._db.number(made.where(*mine))

    def _registered(self, seal: Seal, history: tuple[SealEvent, ...], now: datetime) -> RegisteredSeal | None:
        state = state_of(history, now)
        owner = next((member for der, member in self._bodies.items() if seal.info.lists(der)), None)
        maker = self._bodies.get(seal.maker_certificate)
        return None if state is None else RegisteredSeal(seal, owner, maker, state, history)
