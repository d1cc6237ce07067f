"""Name constraints: each form permitted, excluded, evaded in vain, and refused where not implemented."""

from __future__ import annotations

import pytest

from ecert.errors import Reason, RejectedError
from ecert.x509 import Name

from .world import (
    World,
    ca_extensions,
    directory,
    extension,
    forge,
    key_usage,
    name_constraints,
    oid,
    tlv,
)

EMAIL, DNS, URI = 0x81, 0x82, 0x86


def san(*names: bytes) -> bytes:
    return extension("2.5.29.17", tlv(0x30, *names))


def verdict(world: World, constraints: bytes, *leaf_extensions: bytes, subject: bytes | None = None) -> Reason:
    leaf_changes = {} if subject is None else {"subject": subject}
    key, name = world.strangers[0], Name("constrained CA").der
    ca = forge(
        subject=name,
        key=key.public_key,
        issuer=world.root.name,
        signer=world.root.key,
        extensions=ca_extensions(constraints),
    )
    usage = key_usage(bytes.fromhex("030206c0"))
    leaf = world.leaf(usage, *leaf_extensions, issuer=name, signer=key, **leaf_changes)
    try:
        world.validate(leaf, intermediates=[ca])
    except RejectedError as error:
        return error.reason
    return Reason.OK


REFUSED = Reason.CERTIFICATE_NAME_CONSTRAINTS


@pytest.mark.parametrize(
    ("tag", "base", "name", "inside"),
    [
        (DNS, b"gov.cn", b"gov.cn", True),
        (DNS, b"gov.cn", b"gz.GOV.cn", True),
        (DNS, b"gov.cn", b"gz.gov.cn.", True),
        (DNS, b"gov.cn", b"mygov.cn", False),
        (DNS, b"gov.cn", b"gov.cn.evil", False),
        (DNS, b".gov.cn", b"gov.cn", False),
        (DNS, b".gov.cn", b"gz.gov.cn", True),
        (DNS, b"", b"anything", True),
        (EMAIL, b"gov.cn", b"a@gov.cn", True),
        (EMAIL, b"gov.cn", b"a@GOV.cn", True),
        (EMAIL, b"gov.cn", b"a@gz.gov.cn", False),
        (EMAIL, b".gov.cn", b"a@gz.gov.cn", True),
        (EMAIL, b".gov.cn", b"a@gov.cn", False),
        (EMAIL, b"a@gov.cn", b"a@gov.cn", True),
        (EMAIL, b"a@gov.cn", b"A@gov.cn", False),
        (EMAIL, b"a@gov.cn", b"b@gov.cn", False),
        (URI, b"gov.cn", b"https://gov.cn/x", True),
        (URI, b"gov.cn", b"HTTPS://user@GOV.cn:443?x", True),
        (URI, b"gov.cn", b"https://gz.gov.cn/", False),
        (URI, b".gov.cn", b"https://gz.gov.cn#x", True),
        (URI, b"gov.cn", b"https://evil.com/gov.cn", False),
        (URI, b"gov.cn", b"https://evil.com?@gov.cn", False),
        (URI, b"gov.cn", b"https://evil.com\\@gov.cn/", False),
    ],
)
def test_hosts_mailboxes_and_uris(world: World, tag: int, base: bytes, name: bytes, *, inside: bool) -> None:
    names = san(tlv(tag, name))
    assert verdict(world, name_constraints(permitted=[tlv(tag, base)]), names) is (Reason.OK if inside else REFUSED)
    if inside:
        assert verdict(world, name_constraints(excluded=[tlv(tag, base)]), names) is REFUSED


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        (DNS, "证照.cn".encode()),
        (EMAIL, b"no-at-sign"),
        (EMAIL, b"@gov.cn"),
        (EMAIL, "证照@gov.cn".encode()),
        (URI, b"urn:uuid:1"),
        (URI, b"https://[::1]/"),
        (URI, "https://证照.cn/".encode()),
    ],
)
def test_what_cannot_be_read_is_neither_permitted_nor_escapes_exclusion(world: World, tag: int, name: bytes) -> None:
    for constraints in (
        name_constraints(permitted=[tlv(tag, b"gov.cn")]),
        name_constraints(excluded=[tlv(tag, b"x.cn")]),
    ):
        assert verdict(world, constraints, san(tlv(tag, name))) is REFUSED


def test_a_form_that_is_not_constrained_is_free(world: World) -> None:
    assert verdict(world, name_constraints(permitted=[tlv(DNS, b"gov.cn")]), san(tlv(EMAIL, b"a@b.c"))) is Reason.OK


def test_several_permitted_subtrees_of_a_form_are_alternatives(world: World) -> None:
    either = name_constraints(permitted=[tlv(DNS, b"a.cn"), tlv(DNS, b"b.cn")])
    assert verdict(world, either, san(tlv(DNS, b"b.cn"))) is Reason.OK
    assert verdict(world, either, san(tlv(DNS, b"b.cn"), tlv(DNS, b"c.cn"))) is REFUSED


def rdns(*pairs: tuple[str, int, str]) -> bytes:
    return tlv(0x30, *(tlv(0x31, tlv(0x30, oid(kind), tlv(tag, value.encode()))) for kind, tag, value in pairs))


ORGANIZATION = rdns(("2.5.4.6", 0x13, "CN"), ("2.5.4.10", 0x13, "Licence Office"))


@pytest.mark.parametrize(
    ("subject", "inside"),
    [
        (rdns(("2.5.4.6", 0x13, "CN"), ("2.5.4.10", 0x13, "Licence Office"), ("2.5.4.3", 0x0C, "x")), True),
        (rdns(("2.5.4.6", 0x0C, "cn"), ("2.5.4.10", 0x0C, " LICENCE   office "), ("2.5.4.3", 0x0C, "x")), True),
        (rdns(("2.5.4.6", 0x13, "CN"), ("2.5.4.10", 0x1E, "\0L\0i"), ("2.5.4.3", 0x0C, "x")), False),
        (rdns(("2.5.4.10", 0x13, "Licence Office"), ("2.5.4.6", 0x13, "CN")), False),
        (rdns(("2.5.4.6", 0x13, "CN")), False),
    ],
)
def test_directory_names_match_by_prefix_whatever_their_case_and_string_type(
    world: World, subject: bytes, *, inside: bool
) -> None:
    permitted = name_constraints(permitted=[tlv(0xA4, ORGANIZATION)])
    excluded = name_constraints(excluded=[tlv(0xA4, ORGANIZATION)])
    assert verdict(world, permitted, subject=subject) is (Reason.OK if inside else REFUSED)
    assert verdict(world, excluded, subject=subject) is (REFUSED if inside else Reason.OK)


def test_directory_names_among_the_alternative_names_count_too(world: World) -> None:
    excluded = name_constraints(excluded=[directory(Name("evil"))])
    assert verdict(world, excluded, san(directory(Name("evil")))) is REFUSED


def test_an_address_in_the_subject_counts_when_the_alternative_names_hold_none(world: World) -> None:
    subject = rdns(("1.2.840.113549.1.9.1", 0x16, "a@evil.com"))
    constraints = name_constraints(permitted=[tlv(EMAIL, b"gov.cn")])
    assert verdict(world, constraints, subject=subject) is REFUSED
    assert verdict(world, constraints, san(tlv(EMAIL, b"a@gov.cn")), subject=subject) is Reason.OK


def test_an_empty_subject_is_no_name(world: World) -> None:
    assert verdict(world, name_constraints(permitted=[directory(Name("x"))]), subject=b"0\x00") is Reason.OK


def test_alternative_names_that_cannot_be_read_satisfy_no_constraint(world: World) -> None:
    junk = extension("2.5.29.17", b"junk")
    assert verdict(world, name_constraints(excluded=[tlv(DNS, b"x.cn")]), junk) is REFUSED


@pytest.mark.parametrize(
    "constraints",
    [
        name_constraints(permitted=[tlv(0x87, bytes(8))]),
        name_constraints(excluded=[tlv(0x88, b"\x2a\x03")]),
        name_constraints(permitted=[tlv(DNS, b"gov.cn") + tlv(0x80, b"\x01")]),
        name_constraints(permitted=[tlv(DNS, b"gov.cn") + tlv(0x81, b"\x03")]),
        name_constraints(permitted=[tlv(DNS, b"%d.cn" % n) for n in range(257)]),
    ],
    ids=["IP address", "registered id", "minimum", "maximum", "too many"],
)
def test_constraints_that_are_not_implemented_refuse_the_path(world: World, constraints: bytes) -> None:
    assert verdict(world, constraints) is REFUSED


def test_the_constraints_of_every_ca_above_hold(world: World) -> None:
    outer = name_constraints(permitted=[tlv(DNS, b"gov.cn")])
    inner = name_constraints(permitted=[tlv(DNS, b"evil.com")])
    one, two = world.strangers[0], world.strangers[1]
    names = Name("outer").der, Name("inner").der
    chain = [
        forge(
            subject=names[0],
            key=one.public_key,
            issuer=world.root.name,
            signer=world.root.key,
            extensions=ca_extensions(outer),
        ),
        forge(subject=names[1], key=two.public_key, issuer=names[0], signer=one, extensions=ca_extensions(inner)),
    ]
    root = forge(
        subject=world.root.name,
        key=world.root.key.public_key,
        issuer=world.root.name,
        signer=world.root.key,
        extensions=ca_extensions(),
    )
    for host in (b"evil.com", b"gov.cn"):
        leaf = world.leaf(san(tlv(DNS, host)), issuer=names[1], signer=two)
        with pytest.raises(RejectedError) as caught:
            world.validate(leaf, intermediates=chain, anchors=[root])
        assert caught.value.reason is REFUSED


def test_the_constraints_of_the_anchor_hold(world: World) -> None:
    root = forge(
        subject=world.root.name,
        key=world.root.key.public_key,
        issuer=world.root.name,
        signer=world.root.key,
        extensions=ca_extensions(name_constraints(permitted=[directory(Name("elsewhere"))])),
    )
    with pytest.raises(RejectedError) as caught:
        world.validate(anchors=[root])
    assert caught.value.reason is REFUSED
