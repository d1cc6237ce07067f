"""The issued set: the tree against the definitions of RFC 9162 read literally, its heads, and its proofs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecert import cbor, envelope
from ecert.errors import EcertError, MalformedError, Reason, RejectedError
from ecert.revocation.issued import (
    MAX_PATH,
    MAX_PROOF,
    MAX_SIZE,
    NO_HEAD,
    IssuedHead,
    IssuedProof,
    check_growth,
    decode_proof,
    existed_by,
    leaf_hash,
    load_head,
    seal_head,
)
from ecert.revocation.merkle import EMPTY_ROOT, IssuedTree, check_consistency, hash_leaf, root_from
from ecert.sm2 import sm3
from ecert.x509 import CrlReason
from tests.revocation.small_country import GUANGDONG, NOW, SHANGHAI, START, Country

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ecert.trust import Registry

SIZES = range(71)
LEAVES = [hash_leaf(number.to_bytes(4, "big")) for number in range(70)]


# RFC 9162, section 2.1, word for word: MTH, PATH and SUBPROOF over lists of leaf hashes.


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return sm3(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sm3(b"\x01" + mth(leaves[:k]) + mth(leaves[k:]))


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), mth(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), mth(leaves[:k])]


def naive_subproof(m: int, leaves: Sequence[bytes], *, complete: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if complete else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*naive_subproof(m, leaves[:k], complete=complete), mth(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], complete=False), mth(leaves[:k])]


@dataclass
class Nodes:
    """Nodes in memory, which counts what is asked of it."""

    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    reads: int = 0

    def get(self, level: int, index: int, /) -> bytes:
        self.reads += 1
        return self.nodes[level, index]

    def put(self, level: int, index: int, node: bytes, /) -> None:
        assert self.nodes.setdefault((level, index), node) == node


def grown(leaves: Sequence[bytes]) -> IssuedTree:
    tree = IssuedTree(Nodes())
    for index, leaf in enumerate(leaves):
        assert tree.append(leaf) == index
    return tree


TREE = grown(LEAVES)


def test_the_hashes_are_those_of_the_rfc_with_sm3() -> None:
    assert EMPTY_ROOT.hex() == "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"
    assert hash_leaf(b"data") == sm3(b"\x00data")
    assert grown([b"l" * 32, b"r" * 32]).root(2) == sm3(b"\x01" + b"l" * 32 + b"r" * 32)


def test_every_root_up_to_70_leaves_is_the_one_the_rfc_defines() -> None:
    assert [TREE.root(size) for size in SIZES] == [mth(LEAVES[:size]) for size in SIZES]


def test_every_inclusion_proof_up_to_70_leaves_is_the_one_the_rfc_defines_and_verifies() -> None:
    for size in SIZES:
        root = mth(LEAVES[:size])
        for index in range(size):
            path = TREE.prove(index, size)
            assert list(path) == naive_path(index, LEAVES[:size])
            assert root_from(LEAVES[index], index, size, path) == root


def test_every_consistency_proof_up_to_70_leaves_is_the_one_the_rfc_defines_and_verifies() -> None:
    roots = [mth(LEAVES[:size]) for size in SIZES]
    for newer in SIZES:
        for older in range(newer + 1):
            path = TREE.prove_consistency(older, newer)
            assert list(path) == (naive_subproof(older, LEAVES[:newer], complete=True) if older else [])
            check_consistency((older, roots[older]), (newer, roots[newer]), path)


def reached(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    try:
        return root_from(leaf, index, size, path)
    except RejectedError:
        return None


@given(st.integers(1, 70), st.data())
def test_a_proof_leads_to_the_root_from_no_other_place_and_with_no_other_hashes(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = TREE.prove(index, size), TREE.root(size)
    place = data.draw(st.integers(0, 80).filter(lambda other: other != index))
    changed = data.draw(st.lists(st.sampled_from([*path, *LEAVES]), max_size=8).filter(lambda other: other != [*path]))
    for leaf, at, hashes in ((LEAVES[index], place, path), (LEAVES[index], index, changed), (sm3(b"x"), index, path)):
        assert reached(leaf, at, size, hashes) != root


@given(st.integers(0, 70), st.integers(0, 70), st.data())
def test_consistency_holds_for_no_other_tree_and_no_other_proof(one: int, other: int, data: st.DataObject) -> None:
    older, newer = sorted((one, other))
    path = TREE.prove_consistency(older, newer)
    before, after = (older, TREE.root(older)), (newer, TREE.root(newer))
    changed = data.draw(st.lists(st.sampled_from([*path, *LEAVES]), max_size=8).filter(lambda it: it != [*path]))
    wrong = [(before, after, changed), ((older, sm3(b"x")), after, path)]
    if older:
        wrong.append((before, (newer, sm3(b"x")), path))
    if older < newer:
        wrong.append((after, before, path))
    for first, second, hashes in wrong:
        with pytest.raises(RejectedError, match="evidence-bad"):
            check_consistency(first, second, hashes)


def test_a_tree_goes_on_from_its_store_and_writes_the_same_after_a_crash() -> None:
    nodes = Nodes()
    tree = IssuedTree(nodes)
    for leaf in LEAVES[:37]:
        tree.append(leaf)
    resumed = IssuedTree(nodes, 36)  # the last leaf's nodes were put, and its count was lost
    for leaf in LEAVES[36:]:
        resumed.append(leaf)
    assert resumed.root(70) == TREE.root(70)


def test_appending_and_proving_touch_few_nodes_however_large_the_tree() -> None:
    nodes = Nodes()
    tree = IssuedTree(nodes)
    for number in range(5000):
        tree.append(hash_leaf(number.to_bytes(4, "big")))
    assert len(nodes.nodes) < 2 * 5000
    assert nodes.reads < 5000
    for index in (0, 1023, 4095, 4096, 4999):
        nodes.reads = 0
        path = tree.prove(index, 5000)
        assert nodes.reads <= 2 * 13
        assert len(path) <= 13


# Heads and proofs.


@pytest.fixture(scope="module")
def country() -> Country:
    return Country()


@pytest.fixture
def registry(country: Country) -> Registry:
    country.revoked.clear()
    return country.registry()


RECORD, FACE = sm3(b"record"), sm3(b"face")
ISSUED_AT = NOW - timedelta(days=30)


def a_head(country: Country, tree: IssuedTree, *, signer: str = f"status-{GUANGDONG}", **changes: object) -> bytes:
    head = IssuedHead(GUANGDONG, 1, tree.size, tree.root(tree.size), NO_HEAD, ISSUED_AT)
    return seal_head(replace(head, **changes), country.keys[signer])  # type: ignore[arg-type]


def a_proof(country: Country, *, issuer: str = f"issuer-{GUANGDONG}", **changes: object) -> bytes:
    """Return the proof for a licence of `issuer` between ten others and five later ones."""
    tree = grown([*LEAVES[:10], leaf_hash(country.key_id(issuer), RECORD, FACE), *LEAVES[10:15]])
    head = a_head(country, tree, **changes)  # type: ignore[arg-type]
    return IssuedProof(head, 10, tree.prove(10, 16), RECORD, FACE).encode()


def ask(proof: bytes, registry: Registry, country: Country, issuer: str = f"issuer-{GUANGDONG}") -> datetime:
    return existed_by(proof, registry, key_id=country.key_id(issuer), record_digest=RECORD, face_digest=FACE)


def refusal(proof: bytes, registry: Registry, country: Country, issuer: str = f"issuer-{GUANGDONG}") -> Reason:
    with pytest.raises(EcertError) as caught:
        ask(proof, registry, country, issuer)
    return caught.value.reason


def test_a_proof_says_by_when_the_licence_existed(country: Country, registry: Registry) -> None:
    proof = a_proof(country)
    assert ask(proof, registry, country) == ISSUED_AT
    key_id = country.key_id(f"issuer-{GUANGDONG}")
    assert existed_by(proof, registry, key_id=key_id, record_digest=RECORD) == ISSUED_AT
    assert decode_proof(proof).encode() == proof


def test_it_holds_although_the_issuing_key_was_stolen_later(country: Country, registry: Registry) -> None:
    del registry
    country.revoke(f"issuer-{GUANGDONG}", NOW - timedelta(days=1), CrlReason.KEY_COMPROMISE)
    assert ask(a_proof(country), country.registry(), country) == ISSUED_AT


def test_no_single_byte_of_a_proof_can_change(country: Country, registry: Registry) -> None:
    proof = a_proof(country)
    for at in range(len(proof)):
        for mask in (0x01, 0x20, 0x80, 0xFF):
            changed = bytearray(proof)
            changed[at] ^= mask
            with pytest.raises((MalformedError, RejectedError)):
                ask(bytes(changed), registry, country)


def test_no_proof_is_cut_or_continued(country: Country, registry: Registry) -> None:
    proof = a_proof(country)
    assert {refusal(proof[:end], registry, country) for end in range(len(proof))} == {Reason.EVIDENCE_BAD}
    assert refusal(proof + b"\x00", registry, country) is Reason.EVIDENCE_BAD
    assert refusal(proof + bytes(MAX_PROOF), registry, country) is Reason.EVIDENCE_BAD


@given(st.binary(max_size=200))
def test_any_bytes_are_a_proof_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_proof(data)


def test_another_licence_of_the_same_key_is_not_proven(country: Country, registry: Registry) -> None:
    proof, key_id = a_proof(country), country.key_id(f"issuer-{GUANGDONG}")
    for record, face in ((sm3(b"forged"), None), (RECORD, sm3(b"forged")), (sm3(b"forged"), FACE)):
        with pytest.raises(RejectedError, match="another licence"):
            existed_by(proof, registry, key_id=key_id, record_digest=record, face_digest=face)


def test_the_same_digests_under_another_key_are_not_proven(country: Country, registry: Registry) -> None:
    proof = a_proof(country)
    other = f"status-{GUANGDONG}"  # registered in the same region, so that only the leaf can tell
    assert refusal(proof, registry, country, issuer=other) is Reason.EVIDENCE_BAD


def test_an_unknown_sealing_key_is_not_proven(country: Country, registry: Registry) -> None:
    with pytest.raises(RejectedError, match="does not vouch"):
        existed_by(a_proof(country), registry, key_id=bytes(8), record_digest=RECORD)


def test_a_leaf_that_the_head_does_not_hold_is_not_proven(country: Country, registry: Registry) -> None:
    evidence = decode_proof(a_proof(country))
    smaller = a_head(country, grown(LEAVES[:16]))
    assert refusal(replace(evidence, head=smaller).encode(), registry, country) is Reason.EVIDENCE_BAD


def test_another_region_cannot_vouch_for_what_was_issued_here(country: Country, registry: Registry) -> None:
    foreign = a_proof(country, signer=f"status-{SHANGHAI}", region=SHANGHAI)
    with pytest.raises(RejectedError, match="region 310000 does not vouch") as caught:
        ask(foreign, registry, country)
    assert caught.value.reason is Reason.EVIDENCE_BAD
    impostor = a_proof(country, signer=f"status-{SHANGHAI}")
    with pytest.raises(RejectedError, match="does not speak for 440000"):
        ask(impostor, registry, country)


@pytest.mark.parametrize("signer", [f"issuer-{GUANGDONG}", GUANGDONG, "root"])
def test_a_head_that_no_status_key_signed_is_refused(country: Country, registry: Registry, signer: str) -> None:
    with pytest.raises(RejectedError, match="not signed by a registered status key") as caught:
        ask(a_proof(country, signer=signer), registry, country)
    assert caught.value.reason is Reason.EVIDENCE_BAD


def test_another_object_of_the_status_key_is_no_head(country: Country, registry: Registry) -> None:
    evidence = decode_proof(a_proof(country))
    payload = envelope.decode(evidence.head, limit=512).payload
    other = envelope.seal(envelope.Kind.SEAL_STATUS, payload, country.keys[f"status-{GUANGDONG}"]).encode()
    with pytest.raises(MalformedError, match="another signed object"):
        ask(replace(evidence, head=other).encode(), registry, country)


@pytest.mark.parametrize("reason", [CrlReason.KEY_COMPROMISE, CrlReason.CA_COMPROMISE])
def test_a_status_key_that_was_stolen_itself_proves_nothing(
    country: Country, registry: Registry, reason: CrlReason
) -> None:
    del registry
    country.revoke(f"status-{GUANGDONG}", NOW - timedelta(days=1), reason)
    with pytest.raises(RejectedError, match="status key was stolen") as caught:
        ask(a_proof(country), country.registry(), country)
    assert caught.value.reason is Reason.EVIDENCE_BAD


def test_a_status_key_that_was_replaced_later_still_proves(country: Country, registry: Registry) -> None:
    del registry
    country.revoke(f"status-{GUANGDONG}", NOW - timedelta(days=1), CrlReason.SUPERSEDED)
    assert ask(a_proof(country), country.registry(), country) == ISSUED_AT
    late = a_proof(country, issued_at=NOW)
    assert refusal(late, country.registry(), country) is Reason.EVIDENCE_BAD


def test_a_head_from_before_the_status_certificate_is_refused(country: Country, registry: Registry) -> None:
    early = a_proof(country, issued_at=START - timedelta(days=1))
    assert refusal(early, registry, country) is Reason.EVIDENCE_BAD


def test_the_largest_proof_fits(country: Country) -> None:
    head = a_head(
        country,
        TREE,
        region="11100000000013127D",
        number=2**32 - 1,
        size=MAX_SIZE - 1,
        previous=b"p" * 32,
    )
    largest = IssuedProof(head, MAX_SIZE - 2, (b"s" * 32,) * MAX_PATH, RECORD, FACE)
    assert decode_proof(largest.encode()) == largest


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {"head": b""},
        [b"head", 0, [], RECORD],
        ["head", 0, [], RECORD, FACE],
        [b"head", -1, [], RECORD, FACE],
        [b"head", True, [], RECORD, FACE],
        [b"head", MAX_SIZE, [], RECORD, FACE],
        [b"head", 0, [b"short"], RECORD, FACE],
        [b"head", 0, [b"s" * 32] * (MAX_PATH + 1), RECORD, FACE],
        [b"head", 0, {}, RECORD, FACE],
        [b"head", 0, [], RECORD, FACE[:-1]],
    ],
)
def test_what_is_not_a_proof_is_malformed(content: cbor.Value) -> None:
    with pytest.raises(MalformedError, match="evidence-bad: not a proof of issuance"):
        decode_proof(cbor.encode(content))


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0},
        {"number": 2**32, "previous": b"p" * 32},
        {"number": 1, "previous": b"p" * 32},
        {"number": 2},
        {"size": 0},
        {"size": MAX_SIZE},
        {"root": EMPTY_ROOT},
        {"root": b"short"},
        {"region": ""},
        {"region": "x" * 19},
        {"region": "44\n000"},
        {"issued_at": NOW + timedelta(days=365 * 600)},
    ],
)
def test_no_head_is_sealed_that_nobody_would_read(country: Country, changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match="status-malformed"):
        a_head(country, TREE, **changes)  # type: ignore[arg-type]


def test_a_head_reads_back(country: Country, registry: Registry) -> None:
    data = a_head(country, TREE, issued_at=NOW + timedelta(minutes=5, microseconds=7))
    expected = IssuedHead(GUANGDONG, 1, 70, TREE.root(70), NO_HEAD, NOW + timedelta(minutes=5))
    assert load_head(data, registry, now=NOW) == expected
    assert load_head(a_head(country, IssuedTree(Nodes())), registry, now=NOW).size == 0


def test_a_head_from_the_future_is_refused(country: Country, registry: Registry) -> None:
    data = a_head(country, TREE, issued_at=NOW + timedelta(minutes=5, seconds=1))
    with pytest.raises(RejectedError) as caught:
        load_head(data, registry, now=NOW)
    assert caught.value.reason is Reason.STATUS_FROM_FUTURE


def test_no_single_byte_of_a_head_can_change(country: Country, registry: Registry) -> None:
    data = a_head(country, TREE)
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 0x01
        with pytest.raises((MalformedError, RejectedError)):
            load_head(bytes(changed), registry, now=NOW)


# What an auditor sees.


def two_heads(country: Country, **changes: object) -> tuple[bytes, bytes]:
    older = a_head(country, TREE, size=20, root=TREE.root(20))
    newer = {"number": 2, "previous": sm3(older), "issued_at": ISSUED_AT + timedelta(hours=1)} | changes
    return older, a_head(country, TREE, **newer)  # type: ignore[arg-type]


def test_an_auditor_follows_a_tree_that_only_grew(country: Country, registry: Registry) -> None:
    older, newer = two_heads(country)
    assert check_growth(older, newer, TREE.prove_consistency(20, 70), registry, now=NOW).size == 70
    older, later = two_heads(country, number=9, previous=sm3(b"head 8"))
    assert check_growth(older, later, TREE.prove_consistency(20, 70), registry, now=NOW).number == 9
    older, renewed = two_heads(country, size=20, root=TREE.root(20))
    assert check_growth(older, renewed, (), registry, now=NOW).size == 20


def test_an_auditor_notices_a_leaf_taken_out_or_put_between(country: Country, registry: Registry) -> None:
    for leaves in ([*LEAVES[:5], *LEAVES[6:]], [*LEAVES[:5], sm3(b"backdated"), *LEAVES[5:]]):
        tree = grown(leaves)
        older, newer = two_heads(country, size=tree.size, root=tree.root(tree.size))
        with pytest.raises(RejectedError, match="does not begin with the 20 there were"):
            check_growth(older, newer, tree.prove_consistency(20, tree.size), registry, now=NOW)


def test_an_auditor_notices_a_tree_that_shrank(country: Country, registry: Registry) -> None:
    older, newer = two_heads(country, size=10, root=TREE.root(10))
    with pytest.raises(RejectedError, match="shrank from 20 to 10"):
        check_growth(older, newer, (), registry, now=NOW)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"previous": sm3(b"another head")}, "follows another head 1"),
        ({"number": 1, "previous": NO_HEAD}, "does not come after head 1"),
        ({"issued_at": ISSUED_AT - timedelta(seconds=1)}, "does not come after head 1"),
        ({"region": SHANGHAI, "signer": f"status-{SHANGHAI}"}, "cannot follow one of region 440000"),
    ],
)
def test_an_auditor_notices_a_head_that_does_not_follow(
    country: Country, registry: Registry, changes: dict[str, object], words: str
) -> None:
    older, newer = two_heads(country, **changes)
    with pytest.raises(RejectedError, match=words) as caught:
        check_growth(older, newer, TREE.prove_consistency(20, 70), registry, now=NOW)
    assert caught.value.reason is Reason.EVIDENCE_BAD


@settings(max_examples=25)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40), st.data())
def test_whatever_was_issued_is_proven_at_every_later_head(items: list[bytes], data: st.DataObject) -> None:
    tree = grown([hash_leaf(item) for item in items])
    index = data.draw(st.integers(0, len(items) - 1))
    for size in range(index + 1, len(items) + 1):
        assert root_from(hash_leaf(items[index]), index, size, tree.prove(index, size)) == tree.root(size)
