"""How licences of one type depend on those of another (关联证照), as its definition file says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ecert.licence.codes import Phrase, check_type_code
from ecert.licence.strict_json import malformed, pointer

if TYPE_CHECKING:
    from ecert.licence.strict_json import Node

_CODE: Final = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_LAW: Final = re.compile(r"《[^《》]{2,80}》")
_ARTICLE: Final = re.compile(r"第\S{1,60}")
_ONCE: Final = Phrase("a type named only once", "每种证照类型只写一次")


class FallenState(StrEnum):
    """A state other than valid, as definition files write it: the names of `ecert.revocation.State`."""

    INACTIVE = "inactive"
    SUSPENDED = "suspended"
    SUPERSEDED = "superseded"
    TRANSFERRED = "transferred"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What the law itself makes of a licence when the one it depends on falls; all else its department decides.

    Attributes:
        parent_states: In which states of the other licence it applies.
        child_state: What this licence then becomes.
        legal_basis: The law and its article, e.g. `《中华人民共和国行政许可法》第七十条第（三）项`.
    """

    parent_states: tuple[FallenState, ...]
    child_state: FallenState
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Dependency:
    """A type that licences of the defined one depend on.

    Attributes:
        type_code: That type, 21 characters.
        consequence: What follows by law when such a licence falls; None: nothing but a department's decision.
    """

    type_code: str
    consequence: Consequence | None = None


def read_dependencies(management: Node) -> tuple[Dependency, ...]:
    """Take `dependsOn` from a definition's chapter on management; none when it is not there.

    Raises:
        MalformedError: TYPE_MALFORMED; not a list of dependencies, each on another type.
    """
    found: dict[str, Dependency] = {}
    for node in management.children("dependsOn") if management.has("dependsOn") else ():
        code = node.text("type", _CODE)
        expected = check_type_code(code)
        if expected or code in found:
            raise malformed(node.at + pointer("type"), expected or _ONCE)
        found[code] = Dependency(code, _read_consequence(node))
        node.end()
    return tuple(found.values())


def _read_consequence(node: Node) -> Consequence | None:
    """Read what follows by law: both states and the law stand together, or not at all."""
    if not any(node.has(key) for key in ("parentStates", "childState", "legalBasis")):
        return None
    states = node.texts("parentStates", re.compile("|".join(FallenState)))
    child_state = node.one_of("childState", FallenState)
    basis = node.child("legalBasis")
    text = basis.text("law", _LAW) + basis.text("article", _ARTICLE)
    basis.end()
    return Consequence(tuple(map(FallenState, states)), child_state, text)
