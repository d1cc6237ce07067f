"""The life cycle of a version of a type (暂存、审核、发布、停用): one table says what may follow what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class TypeState(StrEnum):
    """Where a version stands. Stored and put on the wire: append, never rename."""

    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    DISABLED = "disabled"


class TypeAction(StrEnum):
    """What moves a version on."""

    SUBMIT = "submit"
    PUBLISH = "publish"
    RETURN = "return"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Move:
    """What an action does.

    Attributes:
        before: The state it starts from.
        after: The state it leads to.
        explained: Whether a reason must be given.
        complete: Whether the version must be fit to issue licences of.
    """

    before: TypeState
    after: TypeState
    explained: bool = False
    complete: bool = False


MOVES: Final[Mapping[TypeAction, Move]] = {
    TypeAction.SUBMIT: Move(TypeState.DRAFT, TypeState.REVIEW, complete=True),
    TypeAction.PUBLISH: Move(TypeState.REVIEW, TypeState.PUBLISHED, complete=True),
    TypeAction.RETURN: Move(TypeState.REVIEW, TypeState.DRAFT, explained=True),
    TypeAction.DISABLE: Move(TypeState.PUBLISHED, TypeState.DISABLED, explained=True),
}
"""Whatever is not here cannot be done. A draft is saved again; of a type without a draft and not in review, the next
version is begun."""
EVERYBODYS: Final = (TypeState.PUBLISHED, TypeState.DISABLED)
"""What others than the type's own department see."""
