"""The steps, numbered as in the package's docstring, over what one verification has found so far."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ecert import envelope
from ecert.errors import EcertError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.licence.face import Face, decode_face
from ecert.licence.record import MAX_RECORD, Record, decode_record, read_fields
from ecert.licence.validity import china_day
from ecert.revocation import Flag, State, state_at
from ecert.verification.bodies import may_lag, standing
from ecert.verification.evidence import existed_at
from ecert.verification.verdict import Check, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from ecert.licence.fields import FieldValue
    from ecert.revocation import Mark, RegionStatus, StatusEvent, StatusPage, StatusView
    from ecert.sm2 import Claim
    from ecert.trust import RegisteredKey, Registry

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a signed time may lie ahead of the verifier's clock."""

STEPS: Final = (
    "format",
    "registry",
    "issuer-key",
    "seal",
    "content",
    "fields",
    "entitlement",
    "certificate",
    "validity",
    "status-list",
    "status",
    "freshness",
)
"""The steps' names; a step's number is its position, from 1."""

_PASSED: Final = tuple(Check(number, name, Result.PASS, Reason.OK) for number, name in enumerate(STEPS, 1))
_SKIPPED: Final = tuple(Check(number, name, Result.SKIPPED, Reason.OK) for number, name in enumerate(STEPS, 1))
_STATE_REASONS: Final = {
    State.INACTIVE: Reason.INACTIVE,
    State.SUSPENDED: Reason.SUSPENDED,
    State.SUPERSEDED: Reason.SUPERSEDED,
    State.TRANSFERRED: Reason.TRANSFERRED,
    State.CANCELLED: Reason.CANCELLED,
    State.WITHDRAWN: Reason.WITHDRAWN,
    State.REVOKED: Reason.REVOKED,
}


class Run:
    """One verification: runs steps, keeps what they found, and stops relying on what failed."""

    __slots__ = (
        "at",
        "checks",
        "content",
        "event",
        "evidence",
        "fields",
        "key",
        "mark",
        "matter",
        "now",
        "problems",
        "registry",
        "seal_holds",
        "sealed",
        "status",
        "view",
    )

    def __init__(
        self,
        *,
        registry: Registry | None,
        status: StatusView,
        at: datetime,
        now: datetime,
        matter: str | None,
        evidence: Sequence[bytes],
    ) -> None:
        """Begin with nothing checked."""
        self.registry = registry
        self.view = status
        self.at = at
        self.now = now
        self.matter = matter
        self.evidence = evidence
        self.checks: list[Check] = []
        self.problems: list[Check] = []
        self.sealed: envelope.Envelope | None = None
        self.key: RegisteredKey | None = None
        self.seal_holds = False
        self.content: Face | Record | None = None
        self.fields: Mapping[str, FieldValue] = {}
        self.status: RegionStatus | None = None
        self.mark: Mark | None = None
        self.event: StatusEvent | None = None

    @property
    def flags(self) -> Flag:
        """What the status list says of the licence beside its state."""
        return self.mark.flags if self.mark else Flag(0)

    def _take(self, *steps: Callable[[], bool]) -> None:
        """Run the next steps; one returns False when it has nothing to look at, and raises to refuse."""
        checks = self.checks
        for place, step in enumerate(steps, len(checks)):
            try:
                check = (_PASSED if step() else _SKIPPED)[place]
            except (UndeterminedError, MalformedError, RejectedError) as error:
                result = Result.UNKNOWN if isinstance(error, UndeterminedError) else Result.FAIL
                check = Check(place + 1, STEPS[place], result, error.reason, error.detail)
                self.problems.append(check)
            checks.append(check)

    def begin(self, load: Callable[[], bytes]) -> None:
        """Run the steps before the seal's: afterwards `claim` says whose signature it is said to be."""
        self._take(lambda: self.read(load), self.consult_registry, self.find_key)

    @property
    def claim(self) -> Claim | None:
        """The seal as `ecert.sm2.verify_many` takes it; None where there is none to verify."""
        if self.sealed is None or self.key is None:
            return None
        return self.key.public_key, self.sealed.signature, self.sealed.tbs

    def verify_seal(self) -> None:
        """Verify the signature of `claim` by itself.

        Raises:
            RejectedError: it is not this key's.
        """
        if self.sealed is not None and self.key is not None:
            self.sealed.verify(self.key.public_key)

    def finish(self, verify: Callable[[], None]) -> None:
        """Run the other steps, in order.

        Args:
            verify: Raises what is wrong with the signature of `claim`; called only where there is one.
        """
        self._take(
            lambda: self.check_seal(verify),
            self.decode_content,
            self.read_disclosed,
            self.check_entitlement,
            self.check_certificate,
            self.check_validity,
            self.consult_status,
            self.check_status,
            self.check_freshness,
        )

    # 1
    def read(self, load: Callable[[], bytes]) -> bool:
        """The bytes are one sealed record, in its one canonical form."""
        sealed = envelope.decode(load(), limit=MAX_RECORD)
        if sealed.kind not in (envelope.Kind.FACE, envelope.Kind.RECORD):
            raise MalformedError(Reason.RECORD_MALFORMED, "this is another signed object, not a licence")
        self.sealed = sealed
        return True

    # 2
    def consult_registry(self) -> bool:
        """A trust registry is held, and fresh."""
        if self.registry is None:
            raise UndeterminedError(Reason.REGISTRY_MISSING, "no trust registry is held")
        if not self.registry.is_fresh(self.now):
            raise _stale_registry("the registry held", self.registry.fresh_until)
        return True

    # 3
    def find_key(self) -> bool:
        """The key id names a key in it, and its region's part is fresh."""
        if self.sealed is None or self.registry is None:
            return False
        self.key = self.registry.find(self.sealed.key_id)
        if self.key is None:
            raise UndeterminedError(
                Reason.ISSUER_UNKNOWN, f"no registered issuer has the key {self.sealed.key_id.hex()}"
            )
        if self.registry.is_fresh(self.now) and self.now > self.key.region.fresh_until:
            raise _stale_registry(f"the registry's part of {self.key.region.code}", self.key.region.fresh_until)
        return True

    # 4
    def check_seal(self, verify: Callable[[], None]) -> bool:
        """The seal covers exactly these bytes."""
        if self.sealed is None or self.key is None:
            return False
        try:
            verify()
        except RejectedError as error:
            raise RejectedError(Reason.SEAL_BAD, "the seal does not fit these bytes") from error
        self.seal_holds = True
        return True

    # 5
    def decode_content(self) -> bool:
        """The content decodes canonically to a possible licence."""
        if self.sealed is None or self.key is None or not self.seal_holds:
            return False
        if self.sealed.kind is envelope.Kind.RECORD:
            self.content = decode_record(self.sealed.payload)
        else:
            self.content = decode_face(self.sealed.payload, self.key.member.code)
        return True

    # 6
    def read_disclosed(self) -> bool:
        """Every disclosed field is the one that was sealed."""
        if self.sealed is None or not isinstance(self.content, Record):
            return False
        self.fields = read_fields(self.sealed.unprotected, self.content.digests)
        return bool(self.fields)

    # 7
    def check_entitlement(self) -> bool:
        """The issuer named is the key's owner, and was entitled to this type and area when it sealed."""
        if self.content is None or self.key is None or self.registry is None:
            return False
        identifier = self.content.identifier
        if identifier.issuer_code != self.key.member.code:
            raise RejectedError(Reason.ISSUER_MISMATCH, "the issuer named is not the owner of the sealing key")
        area = self.content.area_code if isinstance(self.content, Record) else None
        problem = self.key.entitlement_problem(identifier.type_code, area, at=self.content.sealed_at)
        if problem is None:
            return True
        if may_lag(self.registry, self.key, self.content.sealed_at, self.now):
            raise UndeterminedError(Reason.REGISTRY_STALE, f"by a registry older than what it is asked, {problem}")
        raise RejectedError(Reason.ISSUER_NOT_ENTITLED, problem)

    # 8
    def check_certificate(self) -> bool:
        """The certificate led to the trust anchor when the licence was sealed, and its key was not stolen."""
        if self.content is None or self.key is None or self.registry is None:
            return False
        standing(self.registry, self.key, self.content.sealed_at, self.now)
        stolen_at = self.registry.compromised_at(self.key)
        if stolen_at is not None and stolen_at <= self.now:
            self._require_older_evidence(stolen_at)
        return True

    def _require_older_evidence(self, stolen_at: datetime) -> None:
        """Believe a licence of a stolen key only if somebody else vouches that it existed before the theft.

        The sealing time is the signer's own claim: whoever stole the key can claim any.
        """
        problem = "and nothing shows that the licence existed before that"
        if self.sealed is None or self.content is None or self.registry is None:
            return
        for item in self.evidence:
            try:
                existed = existed_at(item, self.sealed, self.content, self.registry, self.now)
            except EcertError as error:
                problem = f"and the evidence of issuance does not hold: {error.detail}"
                continue
            if existed < stolen_at:
                return
            problem = f"and the evidence of issuance is only of {existed:%F %T}Z"
        raise UndeterminedError(
            Reason.ISSUER_KEY_COMPROMISED, f"the sealing key was compromised at {stolen_at:%F %T}Z, {problem}"
        )

    # 9
    def check_validity(self) -> bool:
        """The licence is in force."""
        if self.content is None:
            return False
        if self.content.sealed_at > self.at + CLOCK_SKEW:
            raise RejectedError(Reason.SEALED_IN_FUTURE, f"sealed at {self.content.sealed_at:%F %T}Z")
        validity, day = self.content.validity, china_day(self.at)
        if day < validity.start:
            raise RejectedError(Reason.NOT_YET_IN_FORCE, f"in force from {validity.start}")
        if validity.end is not None and day > validity.end:
            raise RejectedError(Reason.EXPIRED, f"was in force until {validity.end}")
        return True

    # 10
    def consult_status(self) -> bool:
        """A status list that covers the licence is held, and fresh."""
        if self.content is None or self.key is None:
            return False
        region = self.key.region.code
        self.status = self.view.of(region)
        if self.status is None:
            raise UndeterminedError(Reason.STATUS_MISSING, f"no status list of region {region} is held")
        self.mark = self.status.mark(self.key.public_key.key_id, self.content.status)
        if not self.status.is_fresh(self.now):
            raise UndeterminedError(
                Reason.STATUS_STALE, f"the status list held was fresh until {self.status.fresh_until:%F %T}Z"
            )
        return True

    # 11
    def check_status(self) -> bool:
        """The licence is not revoked, suspended, cancelled, ..."""
        if self.content is None or self.status is None or self.mark is None:
            return False
        stale = not self.status.is_fresh(self.now)
        state = self._state(self.status, self.mark)
        if state is State.VALID:
            return not stale
        detail = _describe(state, self.event)
        if stale and not state.ends:
            raise UndeterminedError(_STATE_REASONS[state], f"by a stale list, {detail}")
        raise RejectedError(_STATE_REASONS[state], detail)

    def _state(self, status: RegionStatus, mark: Mark) -> State:
        """Return the state at `at`. Details may make it worse than the list says, and never better."""
        page = self._page(status)
        if self.at >= status.issued_at - CLOCK_SKEW:
            return self._present_state(status, mark, page)
        if not mark.touched:
            return State.VALID
        events = self._events(page)
        if page is None or page.issued_at < self.at or state_at(events, status.issued_at)[0] is not mark.state:
            raise UndeterminedError(
                Reason.STATUS_DETAILS_MISSING,
                f"the list knows its state only from {status.issued_at:%F %T}Z on, and no details of that day are held",
            )
        state, self.event = state_at(events, self.at)
        return state

    def _present_state(self, status: RegionStatus, mark: Mark, page: StatusPage | None) -> State:
        later, event = state_at(self._events(page), self.at)
        newer = page is not None and page.sequence > status.sequence
        worse = later.ends or (newer and later is not State.VALID)
        state = later if worse and not mark.state.ends else mark.state
        self.event = event if event is not None and later is state else None
        return state

    def _page(self, status: RegionStatus) -> StatusPage | None:
        if self.key is None or self.content is None:
            return None
        return self.view.page(status.region, self.key.public_key.key_id, self.content.status)

    def _events(self, page: StatusPage | None) -> Sequence[StatusEvent]:
        if page is None or self.content is None:
            return ()
        return page.events.get(self.content.status.index, ())

    # 12
    def check_freshness(self) -> bool:
        """What is known is as new as the policy for this type and matter asks, and not from the future."""
        if self.content is None or self.registry is None or self.status is None:
            return False
        budget = self.registry.budget(self.content.identifier.type_code, self.matter)
        for what, issued_at, allowed, reason in (
            ("the trust registry", self.registry.issued_at, budget.registry, Reason.REGISTRY_TOO_OLD),
            ("the status list", self.status.issued_at, budget.status, Reason.STATUS_TOO_OLD),
        ):
            age = self.now - issued_at
            if age < -CLOCK_SKEW:
                raise UndeterminedError(
                    Reason.CLOCK_BEHIND, f"{what} held was issued at {issued_at:%F %T}Z, {-age} from now"
                )
            if allowed is not None and age > allowed:
                raise UndeterminedError(reason, f"{what} held is {age} old; {allowed} is allowed here")
        return True


def _stale_registry(what: str, fresh_until: datetime) -> UndeterminedError:
    return UndeterminedError(Reason.REGISTRY_STALE, f"{what} was fresh until {fresh_until:%F %T}Z")


def _describe(state: State, event: StatusEvent | None) -> str:
    """Say since when, why and by what, as far as it is known."""
    if event is None:
        return state.name.lower()
    until = f" until {event.until:%F %T}Z" if event.until else ""
    why = "; ".join(text for text in (event.reason, event.legal_basis, event.document) if text)
    return f"{state.name.lower()} since {event.since:%F %T}Z{until}" + (f": {why}" if why else "")
