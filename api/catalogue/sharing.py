"""What a region settles about a type beside its definition: with whom, how fresh, and how long kept."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ecert.licence.codes import check_region_code

MOST: Final = 64
"""The longest list in it."""
_TEN_YEARS: Final = 10 * 366 * 86400
_CENTURY: Final = 100 * 366


def _region(text: str) -> str:
    expected = check_region_code(text)
    if expected:
        raise ValueError(f"{expected.en} {expected.zh}")
    return text


def _different(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise ValueError("each region once 每个地区只写一次")
    return values


Seconds = Annotated[int, Field(ge=1, le=_TEN_YEARS)]
Matter = Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,64}$")]


class Budget(BaseModel):
    """How old the evidence may be by which a window takes a licence for valid; without a value, no limit of its own.

    Attributes:
        matter: Code of the matter (事项) that the licence is shown for; None for every matter.
        registry_max_age: Of the trust registry, in seconds.
        status_max_age: Of the status, in seconds.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    matter: Matter | None = None
    registry_max_age: Seconds | None = None
    status_max_age: Seconds | None = None


class Sharing(BaseModel):
    """All of it.

    Attributes:
        regions: Codes of the regions that licences of the type are shared with; 000000 is the whole country.
        budgets: How fresh the evidence must be.
        retention_days: How many days after its end a licence is kept before it is erased; None: always.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    regions: Annotated[
        list[Annotated[str, AfterValidator(_region)]], Field(max_length=MOST), AfterValidator(_different)
    ]
    budgets: Annotated[list[Budget], Field(max_length=MOST)]
    retention_days: Annotated[int, Field(ge=1, le=_CENTURY)] | None
