from __future__ import annotations

from tests.api.conftest import provinces

__all__ = ["provinces"]
