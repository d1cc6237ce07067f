"""Whoever calls the service: a registered system of a department, or an operator who signed in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a caller is. Stored and put on the wire: append, never rename."""

    SYSTEM = "system"
    OPERATOR = "operator"


class Role(StrEnum):
    """What a caller is there for. Stored and put on the wire: append, never rename."""

    CATALOGUE_MANAGER = "catalogue-manager"
    ISSUER_CLERK = "issuer-clerk"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    REGION_OPERATOR = "region-operator"
    WINDOW = "window"
    PORTAL = "portal"

    @property
    def of_department(self) -> bool:
        """Whether only somebody of a department can have it: a window's is the unit that relies on licences (用证单位).

        The region operator belongs to none, nor does a portal, where another region's holders sign in.
        """
        return self in (Role.CATALOGUE_MANAGER, Role.ISSUER_CLERK, Role.REVIEWER, Role.WINDOW)


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller who proved who they are.

    Attributes:
        id: Their identifier here, never used again for another.
        kind: A system or a person.
        name: As registered; shown to people, and written to the audit log.
        region: The region they belong to, 6 digits.
        department: USCC of their department; None for those of the region itself.
        roles: What they are there for.
    """

    id: str
    kind: Kind
    name: str
    region: str
    department: str | None
    roles: frozenset[Role]
