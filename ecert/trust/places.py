"""Where the files of the registry stand, and which TUF role may ever speak for a place.

    registry/<region>/<domain>/<usage>.json

`region` has 6 digits (000000: the whole country); `domain` is the USCC of the authority that defines licence types,
the first 18 characters of a type code, or `common`; `usage` is one of `Usage`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ecert.licence.codes import area_prefix, check_credit_code, check_region_code

NATION: Final = "000000"
"""The region of what concerns the whole country."""
COMMON: Final = "common"
"""The domain of what concerns every licence type."""


_PATH: Final = re.compile(r"registry/([0-9]{6})/(common|[0-9A-Z]{18})/([a-z]+(?:-[a-z]+)*)\.json")


class Usage(StrEnum):
    """What a slice is for."""

    ISSUERS = "issuers"
    SEAL_MAKERS = "seal-makers"
    TSA = "tsa"
    RELYING_PARTIES = "relying-parties"
    STATUS = "status"
    AUTHORITY = "authority"
    POLICY = "policy"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a slice stands: its path, in parts."""

    region: str
    domain: str
    usage: Usage

    @property
    def path(self) -> str:
        """The target path."""
        return f"registry/{self.region}/{self.domain}/{self.usage.value}.json"

    @property
    def owner(self) -> str:
        """The code of the `Region` this belongs to: a region's, or a ministry's USCC; 000000 for the nation's own."""
        return self.domain if self.region == NATION and self.domain != COMMON else self.region

    @classmethod
    def parse(cls, path: str) -> Place | None:
        """Read a target path; None when it names no slice known here, which is passed over."""
        match = _PATH.fullmatch(path)
        if match is None or match[3] not in set(Usage):
            return None
        return cls(match[1], match[2], Usage(match[3]))


def is_role_code(role: str) -> bool:
    """Tell whether a TUF role may have this name: a region's code, not the whole country's, or a ministry's USCC."""
    is_region = check_region_code(role) is None and area_prefix(role) != ""
    return is_region or check_credit_code(role) is None


def within_role(role: str, path: str) -> bool:
    """Tell whether a target path lies inside what the role of this name may ever speak for.

    A region's: slices of itself and of regions inside it. A ministry's: national slices of its own domain.
    """
    match = _PATH.fullmatch(path)
    if match is None or not is_role_code(role):
        return False
    if len(role) == len(NATION):
        return match[1].startswith(area_prefix(role))
    return match[1] == NATION and match[2] == role
