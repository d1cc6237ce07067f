"""Licences sealed, one or many: intended before the key is touched, completed all at once or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from ecert import envelope
from ecert.errors import FieldProblem, IssuanceError, NotFoundError, Reason
from ecert.issuance.drafting import draft, prepare
from ecert.licence.application import PARENTS
from ecert.licence.strict_json import pointer
from ecert.ports import Completion, Contents, Intent, Parent
from ecert.qr import encode_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from ecert.issuance.drafting import Draft, Prepared
    from ecert.issuance.fields import LicenceFiles
    from ecert.licence.application import Application
    from ecert.licence.identifier import Identifier
    from ecert.licence.types import TypeDefinition
    from ecert.ports import LicenceLedger
    from ecert.sm2 import Signer
    from ecert.trust import RegisteredKey


@dataclass(frozen=True, slots=True)
class SealedLicence:
    """An issued licence: the sealed record, the sealed face, and the sealed OFD file if it has one, all as bytes."""

    identifier: Identifier
    record: bytes
    face: bytes
    file: bytes | None = None

    def text(self, portal_host: str) -> str:
        """Return the text of the licence's QR code."""
        return encode_text(self.face, portal_host)


def issue(
    application: Application,
    definition: TypeDefinition,
    issuer: RegisteredKey,
    *,
    signer: Signer,
    ledger: LicenceLedger,
    now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    foreign: Mapping[Identifier, Parent] = MappingProxyType({}),
    files: LicenceFiles | None = None,
    replaces: Identifier | None = None,
) -> SealedLicence:
    """Issue one licence: prepare, draft, intend, seal and check, make its file, complete.

    Args:
        application: What the department handed in.
        definition: The definition of its type.
        issuer: The department's key, as the trust registry has it.
        signer: The same key.
        ledger: Where it is recorded.
        now: The clock.
        entropy: Returns that many fresh random bytes.
        foreign: Licences of other ledgers that the application may depend on, each verified.
        files: Makes its file; None: it gets none.
        replaces: The version that this one takes the place of.

    Raises:
        IssuanceError: the application, the issuer, the page or the ledger refuses.
        RejectedError: the issuer's seal may not be used.
        CustodyError: the key failed; the intent stays open in the ledger and is harmless.
    """
    parents = find_parents(application, ledger, foreign)
    prepared = prepare(
        application, definition, issuer, sealed_at=now(), entropy=entropy, files=files, replaces=replaces
    )
    made = issue_all([(prepared, parents)], signer=signer, ledger=ledger, now=now, entropy=entropy)
    return made[0]


def issue_all(
    prepared: Sequence[tuple[Prepared, tuple[Parent, ...]]],
    *,
    signer: Signer,
    ledger: LicenceLedger,
    now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
) -> list[SealedLicence]:
    """Issue prepared licences, each with those that it depends on: all of them, or none.

    Raises:
        IssuanceError: the key is not their issuer's, or the ledger refuses.
        RejectedError: the issuer's seal may not be used.
        CustodyError: the key failed; the intents stay open in the ledger and are harmless.
    """
    key_id = signer.public_key.key_id
    if any(one.issuer.public_key.key_id != key_id for one, _ in prepared):
        raise IssuanceError(Reason.KEY_MISMATCH, "the signing key is not the registered key of this issuer")
    with ledger.transaction():
        places = ledger.allocate_many(key_id, len(prepared))
        drafts = [draft(one, status, entropy) for (one, _), status in zip(prepared, places, strict=True)]
        ledger.intend_many([_intent(made, parents) for made, (_, parents) in zip(drafts, prepared, strict=True)])
    sealed = _seal_all(drafts, signer)
    ledger.complete_many([_completion(*pair, now()) for pair in zip(drafts, sealed, strict=True)])
    return sealed


def _completion(made: Draft, sealed: SealedLicence, at: datetime) -> Completion:
    one = made.prepared
    contents = Contents(made.record, made.face, one.sealed_at, one.application.area_code, one.fields)
    return Completion(sealed.identifier, sealed.record, sealed.face, at, sealed.file, contents)


def _intent(made: Draft, parents: tuple[Parent, ...]) -> Intent:
    key_id = made.prepared.issuer.public_key.key_id
    return Intent(
        identifier=made.prepared.identifier,
        key_id=key_id,
        status=made.status,
        record_tbs=envelope.to_be_signed(envelope.Kind.RECORD, key_id, made.record),
        face_tbs=envelope.to_be_signed(envelope.Kind.FACE, key_id, made.face),
        at=made.prepared.sealed_at,
        parents=parents,
    )


def _seal_all(drafts: Sequence[Draft], signer: Signer) -> list[SealedLicence]:
    """Seal all records and faces, which a far signer does in one go, and then make the files."""
    records = [(envelope.Kind.RECORD, made.record, made.items) for made in drafts]
    faces = [(envelope.Kind.FACE, made.face, envelope.NOTHING_OUTSIDE) for made in drafts]
    sealed = [one.encode() for one in envelope.seal_all(records + faces, signer)]
    pairs = zip(drafts, sealed[: len(drafts)], sealed[len(drafts) :], strict=True)
    return [_with_file(made, record, face) for made, record, face in pairs]


def _with_file(made: Draft, record: bytes, face: bytes) -> SealedLicence:
    one = made.prepared
    licence = SealedLicence(one.identifier, record, face)
    if one.page is None:
        return licence
    return replace(licence, file=one.page.make(record, licence.text, one.sealed_at))


def find_parents(
    application: Application, ledger: LicenceLedger, foreign: Mapping[Identifier, Parent]
) -> tuple[Parent, ...]:
    """Return the licences that an application depends on, and where their status stands.

    Raises:
        IssuanceError: APPLICATION_INVALID; one is neither issued here nor among `foreign`.
    """
    parents, problems = [], []
    for number, identifier in enumerate(application.parents):
        parent = foreign.get(identifier) or _issued_here(identifier, ledger)
        if parent is None:
            at = pointer(PARENTS, str(number))
            problems.append(FieldProblem(at, "a licence issued here, or one handed in", "本台账签发或一并交来的证照"))
        else:
            parents.append(parent)
    if problems:
        raise IssuanceError(Reason.APPLICATION_INVALID, "it depends on licences that are not known", tuple(problems))
    return tuple(parents)


def _issued_here(identifier: Identifier, ledger: LicenceLedger) -> Parent | None:
    try:
        known = ledger.issued(identifier)
    except NotFoundError:
        return None
    return Parent(identifier, known.key_id, known.status)
