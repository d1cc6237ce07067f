from __future__ import annotations

import pytest

from ecert.sm2 import use_engine
from ecert.sm2.kernel import _verify


@pytest.fixture(autouse=True)
def _bound_as_it_was() -> object:
    yield
    use_engine("auto")
    _verify.set_limit(512 << 20)
