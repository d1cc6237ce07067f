"""The issued set: what a region's departments issued, committed to by the region's status key as it happens.

After an issuer's key is stolen, the sealing time in a licence proves nothing: the thief writes what he likes. A
licence is then believed only if the region, whose own key was not stolen, had already committed to it. So each
region keeps one append-only Merkle tree (`merkle`) over everything issued, and publishes a head of it each time.

    leaf data   canonical CBOR [key id, SM3 of the full record's payload, SM3 of the face record's payload]
    head        [region, issued at, number, size, root, previous], sealed by the region's status key (ISSUED_HEAD)
    proof       [head's bytes, index, [sibling, ...], SM3 of the record's payload, SM3 of the face's payload]

Heads are numbered from 1, and each names the SM3 of the bytes of the one before. Times are seconds since 1970.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ecert import cbor, envelope
from ecert.errors import MalformedError, Reason, RejectedError
from ecert.licence.validity import to_seconds
from ecert.revocation.merkle import EMPTY_ROOT, check_consistency, hash_leaf, root_from
from ecert.revocation.opening import MAX_SEQUENCE, Fields, malformed, open_signed, read_payload, region_value, seal
from ecert.sm2 import DIGEST_LENGTH, sm3

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from ecert.sm2 import Signer
    from ecert.trust import Registry

MAX_SIZE: Final = 1 << 40
"""A tree has fewer leaves than this."""
MAX_PATH: Final = 40
"""The most siblings in a proof: a tree below `MAX_SIZE` is no higher."""
MAX_HEAD: Final = 512
"""The longest head in bytes."""
MAX_PROOF: Final = 2048
"""The longest proof in bytes."""
NO_HEAD: Final = bytes(DIGEST_LENGTH)
"""Stands in the first head for the digest of the one before."""

_HEAD_LENGTH: Final = 6
_PROOF_LENGTH: Final = 5


@dataclass(frozen=True, slots=True)
class IssuedHead:
    """What a region had issued, as of an instant.

    Attributes:
        region: The region's code.
        number: 1, 2, 3 and so on.
        size: How many leaves the tree has.
        root: Its root, 32 bytes.
        previous: SM3 of the bytes of the head before; `NO_HEAD` in the first.
        issued_at: When the region committed to it, whole seconds, UTC.
    """

    region: str
    number: int
    size: int
    root: bytes
    previous: bytes
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedProof:
    """That one leaf stands under a head.

    Attributes:
        head: The sealed head's bytes.
        index: Which leaf it is, from 0.
        siblings: What `IssuedTree.prove` returned for the head's size.
        record_digest: SM3 of the full record's payload, 32 bytes.
        face_digest: SM3 of the face record's payload, 32 bytes.
    """

    head: bytes
    index: int
    siblings: tuple[bytes, ...]
    record_digest: bytes
    face_digest: bytes

    def encode(self) -> bytes:
        """Return the one byte form."""
        return cbor.encode([self.head, self.index, list(self.siblings), self.record_digest, self.face_digest])


def leaf_hash(key_id: bytes, record_digest: bytes, face_digest: bytes) -> bytes:
    """Return the leaf of one issued licence, 32 bytes.

    Args:
        key_id: Of the issuing key, 8 bytes.
        record_digest: SM3 of the full record's payload.
        face_digest: SM3 of the face record's payload.
    """
    return hash_leaf(cbor.encode([key_id, record_digest, face_digest]))


def seal_head(head: IssuedHead, signer: Signer) -> bytes:
    """Seal a head with the region's status key and return its bytes; fractions of a second are dropped.

    Raises:
        MalformedError: no such head can be.
        CustodyError: the key or its engine failed.
    """
    issued_at = to_seconds(head.issued_at)
    payload = cbor.encode([region_value(head.region), issued_at, head.number, head.size, head.root, head.previous])
    _read_head(read_payload(payload, _HEAD_LENGTH))
    return seal(envelope.Kind.ISSUED_HEAD, payload, signer, limit=MAX_HEAD)


def load_head(data: bytes, registry: Registry, *, now: datetime) -> IssuedHead:
    """Parse and verify a head.

    Raises:
        MalformedError: STATUS_MALFORMED or TOO_LARGE; not a head.
        RejectedError: not signed by its region's status key, from the future, or the key's certificate did not
            stand then, or the key was ever stolen, so that its times prove nothing.
        UndeterminedError: evidence about that certificate is missing.
    """
    return _open_head(data, registry, now)


def check_growth(older: bytes, newer: bytes, path: Sequence[bytes], registry: Registry, *, now: datetime) -> IssuedHead:
    """Check as an auditor that between two heads of a region the tree only grew; return the newer head.

    Args:
        older: The head that is known, as bytes.
        newer: The head that is offered, as bytes.
        path: What `IssuedTree.prove_consistency` returned for their sizes.
        registry: Who may sign.
        now: The auditor's clock.

    Raises:
        MalformedError: as `load_head`.
        RejectedError: as `load_head`; or EVIDENCE_BAD: it is another region's, does not come later, does not name
            the older one although it follows directly, or its tree is not the older one with leaves added.
        UndeterminedError: as `load_head`.
    """
    before, after = load_head(older, registry, now=now), load_head(newer, registry, now=now)
    if before.region != after.region:
        raise _rejected(f"a head of region {after.region} cannot follow one of region {before.region}")
    if after.number <= before.number or after.issued_at < before.issued_at:
        raise _rejected(f"head {after.number} does not come after head {before.number}")
    if after.number == before.number + 1 and after.previous != sm3(older):
        raise _rejected(f"head {after.number} follows another head {before.number} than this one")
    check_consistency((before.size, before.root), (after.size, after.root), path)
    return after


def decode_proof(data: bytes) -> IssuedProof:
    """Read a proof from hostile bytes; nothing in it is believed yet.

    Raises:
        MalformedError: EVIDENCE_BAD; not the one byte form of a proof.
    """
    with _as_evidence("not a proof of issuance"):
        content = cbor.decode(data, limit=MAX_PROOF, reason=Reason.EVIDENCE_BAD)
        fields = Fields.of(content, _PROOF_LENGTH)
        siblings = fields.array(2)
        if len(siblings) > MAX_PATH:
            raise malformed(f"more than {MAX_PATH} siblings")
        path = Fields(siblings)
        return IssuedProof(
            head=fields.octets(0),
            index=fields.uint(1, MAX_SIZE),
            siblings=tuple(path.digest(at) for at in range(len(siblings))),
            record_digest=fields.digest(3),
            face_digest=fields.digest(4),
        )


def existed_by(
    proof: bytes, registry: Registry, *, key_id: bytes, record_digest: bytes, face_digest: bytes | None = None
) -> datetime:
    """Return an instant by which a licence had been issued, on the word of its issuer's region.

    1. the proof is well formed;
    2. its head is signed by a status key, for that key's own region, and the key was good then and never stolen;
    3. that region is the one that vouches for the issuing key: no other can say what was issued here;
    4. the proof is about this licence;
    5. the licence is a leaf of the head's tree.

    Args:
        proof: Hostile bytes.
        registry: Who may sign, and for whom.
        key_id: The key that sealed the licence, 8 bytes.
        record_digest: SM3 of the full record's payload; a face record carries it.
        face_digest: SM3 of the face record's payload; None when the full record is what is being verified.

    Raises:
        MalformedError: EVIDENCE_BAD; not a proof.
        RejectedError: EVIDENCE_BAD; one of steps 2 to 5 failed.
        UndeterminedError: evidence about the status key's certificate is missing.
    """
    evidence = decode_proof(proof)
    with _as_evidence("the head of the issued set does not verify"):
        head = _open_head(evidence.head, registry, None)
    issuer = registry.find(key_id)
    if issuer is None or issuer.region.code != head.region:
        raise _rejected(f"region {head.region} does not vouch for the sealing key {key_id.hex()}")
    if evidence.record_digest != record_digest or face_digest not in (None, evidence.face_digest):
        raise _rejected("it is evidence of another licence")
    leaf = leaf_hash(key_id, evidence.record_digest, evidence.face_digest)
    if root_from(leaf, evidence.index, head.size, evidence.siblings) != head.root:
        raise _rejected("the licence is not in the tree of the head")
    return head.issued_at


def _open_head(data: bytes, registry: Registry, now: datetime | None) -> IssuedHead:
    kind = envelope.Kind.ISSUED_HEAD
    return _read_head(open_signed(data, kind, registry, limit=MAX_HEAD, length=_HEAD_LENGTH, now=now))


def _read_head(fields: Fields) -> IssuedHead:
    head = IssuedHead(
        region=fields.region(0),
        issued_at=fields.instant(1),
        number=fields.uint(2, MAX_SEQUENCE),
        size=fields.uint(3, MAX_SIZE),
        root=fields.digest(4),
        previous=fields.digest(5),
    )
    if head.number == 0 or (head.number == 1) != (head.previous == NO_HEAD):
        raise malformed("heads are numbered from 1, and only the first follows none")
    if (head.size == 0) != (head.root == EMPTY_ROOT):
        raise malformed("the root is not that of a tree of this size")
    return head


@contextmanager
def _as_evidence(what: str) -> Iterator[None]:
    """Give whatever is refused inside the one reason that evidence of issuance has."""
    try:
        yield
    except (MalformedError, RejectedError) as error:
        raise type(error)(Reason.EVIDENCE_BAD, f"{what}: {error.detail}") from error


def _rejected(what: str) -> RejectedError:
    return RejectedError(Reason.EVIDENCE_BAD, what)
