"""Holders, and how the ledger knows them again: by an index that only its own key makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from ecert.errors import MalformedError, Reason
from ecert.licence.codes import HOLDER_CODE_TYPES, check_holder_code, check_text
from ecert.licence.masking import mask_name
from ecert.presentation.reading import MAX_NAME

if TYPE_CHECKING:
    from ecert.sm2 import Vault

MAX_CODE: Final = 64
"""The longest 持证主体代码 in characters."""
_PURPOSE: Final = "holders.code"


@dataclass(frozen=True, slots=True, repr=False)
class Holder:
    """Somebody who holds licences: a person or an organisation.

    Attributes:
        code_type: 持证主体代码类型, three digits.
        code: 持证主体代码.
        name: What they are called.
    """

    code_type: str
    code: str
    name: str

    def __post_init__(self) -> None:
        """Refuse whoever cannot be.

        Raises:
            MalformedError: FIELD_INVALID.
        """
        unknown = self.code_type not in HOLDER_CODE_TYPES
        if unknown or check_text(self.code, MAX_CODE) or check_holder_code(self.code, self.code_type):
            raise MalformedError(Reason.FIELD_INVALID, "this is no holder's code, or not of its kind")
        if check_text(self.name, MAX_NAME):
            raise MalformedError(Reason.FIELD_INVALID, f"a holder's name has 1 to {MAX_NAME} visible characters")

    @property
    def is_organisation(self) -> bool:
        """Whether it is an enterprise or another body, and not a person."""
        return HOLDER_CODE_TYPES[self.code_type].category == "legal"

    @property
    def shown_name(self) -> str:
        """The name as it is shown: a person's masked."""
        return self.name if self.is_organisation else mask_name(self.name)

    def index(self, vault: Vault) -> bytes:
        """Return what the ledger finds by who it is, 16 bytes."""
        return vault.blind_index(f"{self.code_type} {self.code}", _PURPOSE)

    def json(self) -> dict[str, str]:
        """Return the JSON object."""
        return {"code_type": self.code_type, "code": self.code, "name": self.name}

    @classmethod
    def read(cls, value: object) -> Self:
        """Read what `json` returned, or what an identity provider or another service says.

        Raises:
            MalformedError: FIELD_INVALID; it names nobody.
        """
        return cls(*(_text(value, name) for name in ("code_type", "code", "name")))


def _text(value: object, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, str):
        raise MalformedError(Reason.FIELD_INVALID, f"a holder has a {name}")
    return found
