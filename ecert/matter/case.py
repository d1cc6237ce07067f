"""A case at a window: who applies, what was shown, and what was declared instead of handing something in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from ecert.licence.codes import HOLDER_CODE_TYPES, check_holder_code
from ecert.presentation.reading import MAX_NAME, malformed, require_seconds, require_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from ecert.matter.definition import Matter
    from ecert.presentation import Grant, Use, Way
    from ecert.receipt import Place
    from ecert.verification import Verdict

T = TypeVar("T")

MAX_LICENCES: Final = 32
"""The most licences shown in one case."""

_MAX_CODE: Final = 256


class Identified(StrEnum):
    """How somebody was identified. Stored: append, never rename."""

    SHOWN_CODE = "shown-code"
    CARD_READER = "card-reader"
    TYPED = "typed"


@dataclass(frozen=True, slots=True)
class Person:
    """An applicant or whoever acts for one: a natural person or an organisation.

    Attributes:
        name: In full.
        code: The code of the identity document or registration.
        code_type: Its kind, three digits, GB/T 36903.
        identified: How the window knows.
    """

    name: str
    code: str
    code_type: str
    identified: Identified

    def __post_init__(self) -> None:
        """Refuse who cannot be: the check digits count, however the number came in."""
        require_text(self.name, MAX_NAME, "the name")
        require_text(self.code, _MAX_CODE, "the code")
        if self.code_type not in HOLDER_CODE_TYPES or check_holder_code(self.code, self.code_type):
            raise malformed("the code is none of its kind")


@dataclass(frozen=True, slots=True)
class Shown:
    """One licence as it was verified for this case.

    Attributes:
        verdict: What verification came to, at the time of the case.
        digest: SM3 of what was verified, 32 bytes.
        way: How it was shown.
        grant: What allows its use; None while nothing does.
        copy: SM3 of its annotated copy (加注件); empty without one.
    """

    verdict: Verdict
    digest: bytes
    way: Way
    grant: Grant | None = None
    copy: bytes = b""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where something that replaces a material can be found again.

    Attributes:
        source: Who answered or issued; or the case of the earlier submission.
        number: Its number there.
        on: The day, in China.
    """

    source: str
    number: str
    on: date

    def __post_init__(self) -> None:
        """Refuse a reference to nothing."""
        require_text(self.source, MAX_NAME, "the source")
        require_text(self.number, MAX_NAME, "the number")


@dataclass(frozen=True, slots=True)
class Declared:
    """What was declared for each material, by its code.

    Attributes:
        shared: Answers of other departments.
        issued: What was issued online.
        earlier: Earlier submissions of this applicant.
        promises: Promises signed now: SM3 of what was signed, in hexadecimal.
        deferred: Materials that are to follow.
        paper: Papers handed in, as the clerk describes them.
        same_person: Why the clerk takes a licence in a former name for the applicant's.
    """

    shared: Mapping[str, Reference] = field(default_factory=dict)
    issued: Mapping[str, Reference] = field(default_factory=dict)
    earlier: Mapping[str, Reference] = field(default_factory=dict)
    promises: Mapping[str, str] = field(default_factory=dict)
    deferred: frozenset[str] = frozenset()
    paper: Mapping[str, str] = field(default_factory=dict)
    same_person: Mapping[str, str] = field(default_factory=dict)

    def materials(self) -> set[str]:
        """Return the codes of all materials that it speaks of."""
        maps = (self.shared, self.issued, self.earlier, self.promises, self.paper, self.same_person)
        return {*self.deferred, *(code for one in maps for code in one)}

    def without(self, code: str) -> Declared:
        """Return this without what was declared for one material."""
        return Declared(
            shared=_without(self.shared, code),
            issued=_without(self.issued, code),
            earlier=_without(self.earlier, code),
            promises=_without(self.promises, code),
            deferred=self.deferred - {code},
            paper=_without(self.paper, code),
            same_person=_without(self.same_person, code),
        )


def _without(declared: Mapping[str, T], code: str) -> dict[str, T]:
    return {key: one for key, one in declared.items() if key != code}


@dataclass(frozen=True, slots=True)
class Case:
    """A case before it is accepted.

    Attributes:
        matter: What is applied for.
        place: The window.
        use: What licences are used for in it; grants are bound to its item code and purpose.
        applicant: Who applies.
        agent: Who acts for the applicant (经办人); None where the applicant is there.
        shown: The licences shown, 0 to 32.
        declared: What stands for other materials.
        promises_barred: Whether the applicant broke an earlier promise, and may make none until that is mended.
        at: The instant, aware UTC, whole seconds.

    Raises:
        MalformedError: DATA_MALFORMED; it speaks of materials or of a matter that are not its own.
    """

    matter: Matter
    place: Place
    use: Use
    applicant: Person
    agent: Person | None
    shown: tuple[Shown, ...]
    declared: Declared
    promises_barred: bool
    at: datetime

    def __post_init__(self) -> None:
        """Refuse what speaks of materials that the matter does not ask for."""
        require_seconds(self.at)
        known = {material.code for material in self.matter.materials}
        strange = sorted(self.declared.materials() - known)
        if strange:
            raise malformed(f"the matter asks for no material {', '.join(strange)}")
        if len(self.shown) > MAX_LICENCES:
            raise malformed(f"more than {MAX_LICENCES} licences were shown")
        if self.use.item_code != self.matter.item_code:
            raise malformed("licences are used in another matter")
