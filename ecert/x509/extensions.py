"""Certificate extensions (RFC 5280, 4.2; GB/T 20518): which are known, and what each says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asn1crypto import x509

from ecert import der
from ecert.x509.constraints import NameConstraints
from ecert.x509.general_names import GeneralName, read_alternative_names, read_distribution_points
from ecert.x509.schema import load

SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"
KEY_USAGE: Final = "2.5.29.15"
SUBJECT_ALTERNATIVE_NAME: Final = "2.5.29.17"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
NAME_CONSTRAINTS: Final = "2.5.29.30"
CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
CERTIFICATE_POLICIES: Final = "2.5.29.32"
POLICY_MAPPINGS: Final = "2.5.29.33"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
POLICY_CONSTRAINTS: Final = "2.5.29.36"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
INHIBIT_ANY_POLICY: Final = "2.5.29.54"

PROCESSED: Final = frozenset(
    {
        KEY_USAGE,
        SUBJECT_ALTERNATIVE_NAME,
        BASIC_CONSTRAINTS,
        NAME_CONSTRAINTS,
        CRL_DISTRIBUTION_POINTS,
        CERTIFICATE_POLICIES,
        EXTENDED_KEY_USAGE,
    }
)
"""What path validation takes into account, and so may be critical."""

POLICY_RULES: Final = (POLICY_MAPPINGS, POLICY_CONSTRAINTS, INHIBIT_ANY_POLICY)
"""Extensions that constrain policies. Policies are not processed here, so these refuse a path, critical or not."""

_MAX_EXTENSIONS: Final = 64


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: dotted type, criticality, and the DER inside its OCTET STRING."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the extensions of a certificate say, everything that path validation uses.

    Attributes:
        ca: cA of basicConstraints; False when the extension is absent.
        path_length: pathLenConstraint, or None.
        key_usage: Names as in RFC 5280 in snake case (`key_cert_sign`); None when the extension is absent.
        extended_key_usage: Dotted identifiers; None when the extension is absent.
        subject_key_id: keyIdentifier of the subject's key, or None. It finds keys; it proves nothing.
        authority_key_id: keyIdentifier of the issuer's key, or None.
        alternative_names: subjectAltName.
        name_constraints: None when the extension is absent.
        distribution_points: Name sets of the distribution points; see `read_distribution_points`.
    """

    ca: bool
    path_length: int | None
    key_usage: frozenset[str] | None
    extended_key_usage: tuple[str, ...] | None
    subject_key_id: bytes | None
    authority_key_id: bytes | None
    alternative_names: tuple[GeneralName, ...]
    name_constraints: NameConstraints | None
    distribution_points: tuple[frozenset[GeneralName], ...]


def read_extensions(element: der.Element) -> tuple[Extension, ...]:
    """Read an Extensions SEQUENCE; an explicit `critical FALSE` is read, for it is common.

    Raises:
        DerError: not Extensions, none or too many of them, or two of one type.
    """
    if element.tag != der.SEQUENCE:
        raise der.DerError("extensions that are not a SEQUENCE")
    found = []
    for one in element.children().rest(der.SEQUENCE):
        reader = one.children()
        oid = der.oid(reader.read(der.OBJECT_IDENTIFIER))
        critical = reader.optional(der.BOOLEAN)
        value = reader.read(der.OCTET_STRING)
        reader.finish()
        found.append(Extension(oid, critical is not None and der.boolean(critical), value.content))
    if not 0 < len(found) <= _MAX_EXTENSIONS:
        raise der.DerError(f"{len(found)} extensions")
    if len({extension.oid for extension in found}) != len(found):
        raise der.DerError("two extensions of one type")
    return tuple(found)


def _basic_constraints(value: bytes | None) -> tuple[bool, int | None]:
    """Read cA, which may be FALSE in so many words, and the path length; asn1crypto lets strange elements pass here."""
    if value is None:
        return False, None
    der.check(value, limit=len(value))
    reader = der.read_one(value, der.SEQUENCE).children()
    ca, path_length = reader.optional(der.BOOLEAN), reader.optional(der.INTEGER)
    reader.finish()
    if path_length is not None and der.integer(path_length) < 0:
        raise der.DerError("a negative path length")
    return ca is not None and der.boolean(ca), None if path_length is None else der.integer(path_length)


def _key_usage(value: bytes | None) -> frozenset[str] | None:
    return None if value is None else frozenset(load(x509.KeyUsage, value).native)


def _extended_key_usage(value: bytes | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(one.dotted for one in load(x509.ExtKeyUsageSyntax, value))


def subject_key_id(value: bytes | None) -> bytes | None:
    """Read a SubjectKeyIdentifier.

    Raises:
        DerError: not one.
    """
    return None if value is None else der.read_one(value, der.OCTET_STRING).content


def authority_key_id(value: bytes | None) -> bytes | None:
    """Read the keyIdentifier of an AuthorityKeyIdentifier, if it has one.

    Raises:
        DerError: not one.
    """
    if value is None:
        return None
    found = der.read_one(value, der.SEQUENCE).children().optional(0x80)
    return None if found is None else found.content


def interpret(extensions: tuple[Extension, ...], issuer: bytes) -> Meaning:
    """Read every extension that path validation uses; `issuer` is the certificate's raw issuer name.

    Raises:
        ValueError: one of them is not what its type says; or another error of the schema layer.
    """
    values = {extension.oid: extension.value for extension in extensions}
    ca, path_length = _basic_constraints(values.get(BASIC_CONSTRAINTS))
    names = values.get(SUBJECT_ALTERNATIVE_NAME)
    constraints = values.get(NAME_CONSTRAINTS)
    points = values.get(CRL_DISTRIBUTION_POINTS)
    return Meaning(
        ca=ca,
        path_length=path_length,
        key_usage=_key_usage(values.get(KEY_USAGE)),
        extended_key_usage=_extended_key_usage(values.get(EXTENDED_KEY_USAGE)),
        subject_key_id=subject_key_id(values.get(SUBJECT_KEY_IDENTIFIER)),
        authority_key_id=authority_key_id(values.get(AUTHORITY_KEY_IDENTIFIER)),
        alternative_names=() if names is None else read_alternative_names(names),
        name_constraints=None if constraints is None else NameConstraints.from_value(constraints),
        distribution_points=() if points is None else read_distribution_points(points, issuer),
    )
