"""Whose things somebody may touch: it stands in every question about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import true

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement

    from api.access.permissions import Scope


def within(scope: Scope, department: Column[str]) -> ColumnElement[bool]:
    """Return what holds of things that a caller may touch; of all others they learn nothing, not that they exist.

    Args:
        scope: Whose things those are.
        department: The column that says whose a thing is.
    """
    return true() if scope.department is None else department == scope.department
