"""The checks on a file that ask what the window holds, the last of domain.md 7.5.

LICENCE_ID      the file is the licence that its record says, sealed by that licence's issuer
file-no-licence, file-licence-mismatch, or why the record cannot be believed
LICENCE_STATUS  that licence stands, in all steps of `assess`; and a copy may still be used
copy-expired, or the reason of the record's verdict
TRUST_REGISTRY  a fresh registry has every signer, and each seal was filed and active when it was applied
registry-..., signer-unregistered, seal-suspended, seal-cancelled, seal-status-missing
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from ecert.errors import EcertError, MalformedError, Reason, RejectedError, UndeterminedError
from ecert.licence.metadata import METADATA
from ecert.licence.record import Record
from ecert.licence.validity import china_day
from ecert.ofd.content import read_metadata, read_record
from ecert.ofd.copies import CopyNote, read_note
from ecert.revocation.seal_list import SealState
from ecert.seal import Finding, Findings
from ecert.verification import Outcome, assess
from ecert.verification.bodies import RegisteredBodies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from ecert.ofd.package import Package
    from ecert.revocation import StatusView
    from ecert.revocation.seal_list import SealStatusList
    from ecert.seal import Seal, SealingReport
    from ecert.trust import Registry
    from ecert.verification import Verdict


class LicenceCheck(StrEnum):
    """The checks on a file that ask what the window holds. A wire contract."""

    LICENCE_ID = "LICENCE_ID"
    LICENCE_STATUS = "LICENCE_STATUS"
    TRUST_REGISTRY = "TRUST_REGISTRY"


_SEAL_REASONS: Final = {SealState.SUSPENDED: Reason.SEAL_SUSPENDED, SealState.CANCELLED: Reason.SEAL_CANCELLED}


class Knowledge(Protocol):
    """What a window holds, verified: see `ecert.holdings.Holdings`."""

    @property
    def registry(self) -> Registry | None:
        """The trust registry, if one is held."""

    @property
    def status(self) -> StatusView:
        """The status of licences."""

    @property
    def seals(self) -> Mapping[str, SealStatusList]:
        """Region → the status of its seals."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a file, beside what the window holds.

    Attributes:
        at: The instant the answer speaks of, aware.
        now: The clock, by which the age of the evidence is told; never before `at`.
        matter: Item code of the service matter at hand, whose freshness policy counts too.
        evidence: What shows that a licence existed before its issuer's key was stolen.
        certificates: In DER; who may have made a bare signature.
        content: What a signature value that comes alone is over; None where that is not at hand.
    """

    at: datetime
    now: datetime
    matter: str | None = None
    evidence: Sequence[bytes] = ()
    certificates: Sequence[bytes] = ()
    content: bytes | None = None


class LicenceChecks:
    """Makes the checks on one file.

    Attributes:
        bodies: Decides about certificates, by the registry held.
    """

    def __init__(self, held: Knowledge, question: Question) -> None:
        """Answer `question` by what is held."""
        self.bodies = RegisteredBodies(held.registry, question.now)
        self._held = held
        self._question = question

    def identity(self, package: Package, signers: Sequence[bytes]) -> tuple[Verdict | None, Finding]:
        """Assess the record in a file, and check that the file is that licence's.

        Args:
            package: The file's parts.
            signers: The certificates of those who signed it, in DER.
        """
        try:
            record = read_record(package)
            if record is None:
                raise UndeterminedError(Reason.FILE_NO_LICENCE, "no record of a licence is attached")
        except EcertError as error:
            return None, Finding(LicenceCheck.LICENCE_ID, error)
        verdict = self._assess(record)

        def check() -> None:
            _require_readable(verdict)
            _require_same_items(verdict, read_metadata(package))
            self._require_issuer(verdict, signers)

        return verdict, _found(LicenceCheck.LICENCE_ID, check)

    def state(self, package: Package, record: Verdict | None) -> tuple[CopyNote | None, Finding]:
        """Check that the licence stands; return what an annotated copy says, which must not be past its use."""
        try:
            note = read_note(package)
        except MalformedError as error:
            return None, Finding(LicenceCheck.LICENCE_STATUS, error)
        if record is None or record.content is None:
            return note, Finding(LicenceCheck.LICENCE_STATUS, skipped=True)

        def check() -> None:
            _require_valid(record)
            if note is not None and note.expires < china_day(self._question.at):
                raise RejectedError(Reason.COPY_EXPIRED, f"the copy was for use until {note.expires}")

        return note, _found(LicenceCheck.LICENCE_STATUS, check)

    def trust(self, signers: Iterable[bytes], uses: Iterable[tuple[Seal, datetime | None]]) -> Finding:
        """Check every signer and every use of a seal; of several problems the worst is told.

        Where nobody is known to have signed there is nothing to check.
        """
        asked: list[Callable[[], object]] = [partial(self.bodies.find, one) for one in signers]
        asked += [partial(self._require_active, *one) for one in uses]
        if not asked:
            return Finding(LicenceCheck.TRUST_REGISTRY, skipped=True)
        found = [_found(LicenceCheck.TRUST_REGISTRY, one) for one in (self._require_fresh, *asked)]
        return Finding(LicenceCheck.TRUST_REGISTRY, Findings(tuple(found)).error)

    def unproved(self, sealings: Iterable[SealingReport]) -> tuple[EcertError, ...]:
        """Warn where a seal has ended meanwhile, and nobody but the sealer says that it was applied before."""
        ended = [
            one.sealing.seal.info.code
            for one in sealings
            if one.timestamp is None and self._state_of(one.sealing.seal, self._question.now) in _SEAL_REASONS
        ]
        detail = "the seal {} has ended meanwhile, and no timestamp proves that it was applied before"
        return tuple(UndeterminedError(Reason.SEALING_TIME_UNPROVED, detail.format(code)) for code in ended)

    def _state_of(self, seal: Seal, at: datetime) -> SealState | None:
        """Return what the list held says of a seal; None where nothing is known of it."""
        try:
            region = self.bodies.find(seal.maker_certificate)[0].region.code
        except EcertError:
            return None
        listing = self._held.seals.get(region)
        return None if listing is None else listing.at(seal.info.code, at)

    def _assess(self, record: bytes) -> Verdict:
        asked = self._question
        return assess(
            record,
            registry=self._held.registry,
            status=self._held.status,
            at=asked.at,
            now=asked.now,
            matter=asked.matter,
            evidence=asked.evidence,
        )

    def _require_issuer(self, verdict: Verdict, signers: Iterable[bytes]) -> None:
        """Require that one of the signers is the body that sealed the record."""
        issuer = verdict.key.member.code if verdict.key else None
        found = [self.bodies.find(one)[0].member.code for one in signers]
        if issuer not in found:
            raise RejectedError(
                Reason.FILE_LICENCE_MISMATCH, f"the licence is of {issuer}, the file is signed by {', '.join(found)}"
            )

    def _require_fresh(self) -> None:
        registry, now = self._held.registry, self._question.now
        if registry is None:
            raise UndeterminedError(Reason.REGISTRY_MISSING, "no trust registry is held")
        if not registry.is_fresh(now):
            raise UndeterminedError(
                Reason.REGISTRY_STALE, f"the registry held was fresh until {registry.fresh_until:%F %T}Z"
            )

    def _require_active(self, seal: Seal, used_at: datetime | None) -> None:
        """Check a seal's published state when it was used: by the register of its maker's region."""
        region = self.bodies.find(seal.maker_certificate)[0].region.code
        listing, code = self._held.seals.get(region), seal.info.code
        if listing is None:
            raise UndeterminedError(Reason.SEAL_STATUS_MISSING, f"no list of the seals of {region} is held")
        state = listing.at(code, used_at or self._question.at)
        if state in _SEAL_REASONS:
            raise RejectedError(_SEAL_REASONS[state], f"the seal {code} was {state.name.lower()} then")
        if state is None:
            raise UndeterminedError(Reason.SEAL_STATUS_MISSING, f"the seal {code} was not filed in {region} then")
        if not listing.is_fresh(self._question.now):
            raise UndeterminedError(
                Reason.STATUS_STALE, f"the list of the seals of {region} was fresh until {listing.fresh_until:%F %T}Z"
            )


def _found(check: StrEnum, action: Callable[[], object]) -> Finding:
    """Make a check that raises what it finds."""
    try:
        action()
    except EcertError as error:
        return Finding(check, error)
    return Finding(check)


def _require_readable(verdict: Verdict) -> None:
    """Require that the record's seal was verified and its content read."""
    if verdict.content is None:
        _require_valid(verdict)
    if not isinstance(verdict.content, Record):
        raise RejectedError(Reason.FILE_NO_LICENCE, "what is attached is not a licence's full record")


def _require_valid(verdict: Verdict) -> None:
    """Raise what stands against a licence."""
    if verdict.outcome is Outcome.VALID:
        return
    detail = next(one.detail for one in verdict.checks if one.code is verdict.reason)
    kind = RejectedError if verdict.outcome is Outcome.INVALID else UndeterminedError
    raise kind(verdict.reason, detail)


def _require_same_items(verdict: Verdict, metadata: Mapping[str, str]) -> None:
    """Require that the items of the file's document information are those that were sealed in the record."""
    said = {
        one.pinyin: str(verdict.fields[one.name])
        for one in METADATA
        if one.pinyin is not None and one.name is not None and one.name in verdict.fields
    }
    other = [short for short, value in said.items() if metadata.get(short) != value]
    if other:
        raise RejectedError(
            Reason.FILE_LICENCE_MISMATCH, f"the file's metadata differ from the licence's record: {', '.join(other)}"
        )
