"""What a version of a type says, as it was handed in, and what stands in the way of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import select

from api.catalogue.sample import sample_page
from api.catalogue.states import TypeState
from api.service_schema import types
from ecert.errors import FieldProblem, IssuanceError, MalformedError, Reason
from ecert.licence.codes import Phrase
from ecert.licence.strict_json import pointer
from ecert.licence.types import TypeDefinition
from ecert.ofd.layout import Layout, read_layout
from ecert.wording import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from api.catalogue.sharing import Sharing
    from api.database import Database
    from ecert.ofd.fonts import FontSet

T = TypeVar("T")

DEFINITION: Final = "/definition"
LAYOUT: Final = "/layout"
SHARING: Final = "/sharing"
"""Where pointers begin."""
_CODE: Final = "/definition/basicInformation/code"
_VERSION: Final = "/definition/basicInformation/version"


@dataclass(frozen=True, slots=True)
class TypeContent:
    """What is written about a version of a type.

    Attributes:
        definition: A definition file, `docs/types.md`.
        layout: A layout file, `docs/layouts.md`.
        sharing: What the region settles beside it.
    """

    definition: bytes
    layout: bytes
    sharing: Sharing

    def read(self, code: str, version: int) -> TypeDefinition:
        """Return its definition; the layout is found to fit it.

        Args:
            code: The type's code, which it must have.
            version: Its number, likewise.

        Raises:
            MalformedError: TYPE_MALFORMED; `problems` says where, by pointers that begin with the part's name.
        """
        definition, problems = _attempt(DEFINITION, lambda: TypeDefinition.from_json(self.definition))
        _, more = _attempt(
            LAYOUT,
            lambda: Layout.from_json(self.layout) if definition is None else read_layout(self.layout, definition),
        )
        if definition is not None:
            problems += tuple(_foreign(definition, code, version))
        if definition is None or problems or more:
            raise _refused(problems + more)
        return definition


def require_complete(content: TypeContent, code: str, version: int, database: Database, fonts: FontSet) -> None:
    """Require that licences can be issued of a version.

    Raises:
        MalformedError: TYPE_MALFORMED; as `TypeContent.read`, or with its `shortcomings`.
    """
    problems = shortcomings(content, content.read(code, version), database, fonts)
    if problems:
        raise _refused(problems)


def shortcomings(
    content: TypeContent, definition: TypeDefinition, database: Database, fonts: FontSet
) -> tuple[FieldProblem, ...]:
    """Return why no licences could be issued of a draft: its page cannot be set, what it depends on is not there."""
    problems = tuple(_unknown_parents(definition, database))
    try:
        sample_page(definition, read_layout(content.layout, definition), fonts)
    except IssuanceError as error:
        said = words(error.reason)
        problems += (FieldProblem(LAYOUT, f"{said.en}: {error.detail}", f"{said.zh}：{error.detail}"),)
    return problems


def _attempt(part: str, read: Callable[[], T]) -> tuple[T | None, tuple[FieldProblem, ...]]:
    """Return what was read, or what is wrong with it."""
    try:
        return read(), ()
    except MalformedError as error:
        return None, tuple(FieldProblem(part + one.pointer, one.expected, one.expected_zh) for one in error.problems)


def _foreign(definition: TypeDefinition, code: str, version: int) -> Iterator[FieldProblem]:
    if definition.code != code:
        yield _problem(_CODE, Phrase(f"the code of the address, {code}", f"与地址一致的代码 {code}"))
    if definition.version != version:
        yield _problem(_VERSION, Phrase(f"{version}, the version being written", f"{version}，即正在编写的版本"))


def _unknown_parents(definition: TypeDefinition, database: Database) -> Iterator[FieldProblem]:
    for index, one in enumerate(definition.depends_on):
        there = select(types.c.code).where(types.c.code == one.type_code, types.c.state == TypeState.PUBLISHED)
        if database.row(there.limit(1)) is None:
            at = DEFINITION + pointer("management", "dependsOn", str(index), "type")
            yield _problem(at, Phrase("a published type of this catalogue", "本目录中已发布的证照类型"))


def _problem(at: str, expected: Phrase) -> FieldProblem:
    return FieldProblem(at, expected.en, expected.zh)


def _refused(problems: tuple[FieldProblem, ...]) -> MalformedError:
    return MalformedError(Reason.TYPE_MALFORMED, f"{len(problems)} problem(s) in the type", problems)
