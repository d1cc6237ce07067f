"""A type as written in the console: texts of JSON, and what is wrong with them, each problem at its text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from api.catalogue import skeleton
from api.catalogue.content import DEFINITION, LAYOUT, SHARING, TypeContent
from api.catalogue.sharing import Sharing
from api.catalogue.writing import write
from api.console.views.catalogue import Editor, JsonProblem
from ecert.errors import FieldProblem, MalformedError, Reason
from ecert.licence.codes import Phrase
from ecert.licence.strict_json import pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from api.catalogue.finding import TypeVersion


def posted_editor(form: Mapping[str, str]) -> Editor:
    """Return the texts that were posted; browsers end lines in their own way."""
    definition, layout, sharing = (
        form.get(name, "").replace("\r\n", "\n") for name in ("definition", "layout", "sharing")
    )
    return Editor(definition, layout, sharing, form.get("etag", ""))


def editor_of(found: TypeVersion, problems: Iterable[FieldProblem] = ()) -> Editor:
    """Return what a version says as JSON to be written."""
    content = found.content
    texts = content.definition.decode(), content.layout.decode(), sharing_text(content.sharing)
    return with_problems(Editor(*texts, found.etag), problems)


def first_editor(code: str, authority: str) -> Editor:
    """Return the texts of a type to begin with.

    Args:
        code: Of the new type.
        authority: The name of its department.
    """
    texts = write(skeleton.definition(code, authority)).decode(), write(skeleton.layout(code)).decode()
    return Editor(*texts, sharing_text(skeleton.NOTHING_SHARED), "")


def sharing_text(sharing: Sharing) -> str:
    """Return it as JSON for people."""
    return write(sharing.model_dump(mode="json")).decode()


def read_editor(editor: Editor, code: str, version: int) -> TypeContent:
    """Return what was written.

    Raises:
        MalformedError: TYPE_MALFORMED; `problems` says where, in all three texts.
    """
    sharing, problems = _read_sharing(editor.sharing)
    content = TypeContent(editor.definition.encode(), editor.layout.encode(), sharing)
    try:
        content.read(code, version)
    except MalformedError as error:
        problems = error.problems + problems
    if problems:
        raise MalformedError(Reason.TYPE_MALFORMED, f"{len(problems)} problem(s) in the type", problems)
    return content


def with_problems(editor: Editor, problems: Iterable[FieldProblem]) -> Editor:
    """Return an editor with each problem at the text that it belongs to."""
    problems = tuple(problems)
    return replace(
        editor,
        definition_problems=_below(problems, DEFINITION),
        layout_problems=_below(problems, LAYOUT),
        sharing_problems=_below(problems, SHARING),
    )


def code_in(definition: str) -> str:
    """Return the code that a definition gives itself; empty where it gives none."""
    try:
        code = json.loads(definition)["basicInformation"]["code"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) else ""


def revised(held: TypeVersion) -> TypeContent:
    """Return what a version says, as the next one."""
    definition = json.loads(held.content.definition)
    definition["basicInformation"]["version"] = held.version + 1
    return replace(held.content, definition=write(definition))


def _below(problems: tuple[FieldProblem, ...], part: str) -> tuple[JsonProblem, ...]:
    return tuple(
        JsonProblem(one.pointer.removeprefix(part), Phrase(one.expected, one.expected_zh))
        for one in problems
        if one.pointer.startswith(part)
    )


def _read_sharing(text: str) -> tuple[Sharing, tuple[FieldProblem, ...]]:
    try:
        return Sharing.model_validate_json(text), ()
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        return skeleton.NOTHING_SHARED, tuple(
            FieldProblem(SHARING + pointer(*map(str, one["loc"])), one["msg"], "符合要求的值") for one in wrong
        )
