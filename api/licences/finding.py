"""Whose licences somebody may touch: it stands in every question about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import true

from api.service_schema import licences

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from api.access.permissions import Scope


def within(scope: Scope) -> ColumnElement[bool]:
    """Return what holds of licences that a caller may touch; of all others they learn nothing, not that they exist."""
    return true() if scope.department is None else licences.c.department == scope.department
