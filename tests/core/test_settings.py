from __future__ import annotations

import pytest

from ecert.cli.settings import KNOWN_VARIABLES, refuse_unknown_variables
from ecert.errors import EcertError, Reason


def test_known_variables_and_those_of_others_pass() -> None:
    refuse_unknown_variables([*KNOWN_VARIABLES, "PATH", "ECERTIFY", "MY_ECERT_HOME"])


@pytest.mark.parametrize("name", ["ECERT_PASSPHRASE_FLIE", "ECERT_", "ECERT_KEY_HOME", "ECERT_ENGINE_"])
def test_a_misspelt_variable_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(EcertError) as caught:
        refuse_unknown_variables([name, "ECERT_ENGINE"])
    assert caught.value.reason is Reason.USAGE
    assert f"{name}. Known" in caught.value.detail
    assert all(known in caught.value.detail for known in KNOWN_VARIABLES)


def test_the_list_is_sorted_and_without_repetition() -> None:
    assert list(KNOWN_VARIABLES) == sorted(set(KNOWN_VARIABLES))
