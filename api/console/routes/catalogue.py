"""`/console/catalogue`: the types of the region, each with its page, its versions and what may be done with it."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import RedirectResponse, Response

from api.catalogue.editing import Condition, TypeEditor
from api.catalogue.finding import find_version
from api.catalogue.sample import draw_sample
from api.catalogue.skeleton import free_code
from api.catalogue.states import TypeAction
from api.console.site import ConsoleVisit
from api.console.types import catalogue_list, new_page, reader_of, type_page
from api.console.views.catalogue import TypePage, TypeState
from api.console.views.frame import Section
from api.console.written_types import code_in, first_editor, posted_editor, read_editor, revised, with_problems
from api.ledger import SqlLedger
from api.office import Office
from ecert.errors import FieldProblem, MalformedError, Reason
from ecert.licence.types import TypeDefinition
from ecert.ofd.layout import read_layout

_HERE = Section.CATALOGUE.path
_NEW = f"{_HERE}/new"
_Version = Annotated[int | None, Query(ge=1, le=65535)]


def router(office: Office) -> APIRouter:
    """Return the pages."""
    routes, console, desk = APIRouter(), office.console, _Desk(office)

    @routes.get(_HERE)
    async def list_(
        visit: Annotated[ConsoleVisit, Depends(console.enter("listTypes"))], state: TypeState | None = None
    ) -> Response:
        view = await office.pool.ask(lambda ledger: catalogue_list(ledger, visit.principal, state))
        return console.page(visit.frame(Section.CATALOGUE), view)

    @routes.get(_NEW)
    async def blank(visit: Annotated[ConsoleVisit, Depends(console.enter("saveType"))]) -> Response:
        view = await office.pool.ask(lambda ledger: desk.begin(ledger, visit))
        return console.page(visit.frame(Section.CATALOGUE), view)

    @routes.post(_NEW)
    async def create(visit: Annotated[ConsoleVisit, Depends(console.enter("saveType"))]) -> Response:
        done = await office.pool.ask(lambda ledger: desk.create(ledger, visit), actor=visit.principal.id)
        return desk.answer(visit, done)

    @routes.get(f"{_HERE}/{{code}}")
    async def look(
        code: str, visit: Annotated[ConsoleVisit, Depends(console.enter("readType"))], version: _Version = None
    ) -> Response:
        view = await office.pool.ask(lambda ledger: type_page(ledger, visit.principal, office.fonts, code, version))
        return console.page(visit.frame(Section.CATALOGUE), view)

    @routes.get(f"{_HERE}/{{code}}/sample.svg")
    async def sample(
        code: str, visit: Annotated[ConsoleVisit, Depends(console.enter("previewType"))], version: _Version = None
    ) -> Response:
        reader = reader_of(visit.principal)
        found = await office.pool.ask(lambda ledger: find_version(ledger.database, reader, code, version))
        definition = TypeDefinition.from_json(found.content.definition)
        layout = read_layout(found.content.layout, definition)
        svg = await office.draw(lambda: draw_sample(definition, layout, office.fonts))
        return Response(svg, media_type="image/svg+xml")

    @routes.post(f"{_HERE}/{{code}}")
    async def save(code: str, visit: Annotated[ConsoleVisit, Depends(console.enter("saveType"))]) -> Response:
        done = await office.pool.ask(lambda ledger: desk.save(ledger, visit, code), actor=visit.principal.id)
        return desk.answer(visit, done)

    @routes.post(f"{_HERE}/{{code}}/revise")
    async def revise(code: str, visit: Annotated[ConsoleVisit, Depends(console.enter("saveType"))]) -> Response:
        done = await office.pool.ask(lambda ledger: desk.revise(ledger, visit, code), actor=visit.principal.id)
        return desk.answer(visit, done)

    for action in TypeAction:
        routes.post(f"{_HERE}/{{code}}/{action}")(_move(desk, action))
    return routes


def _move(desk: "_Desk", action: TypeAction) -> Callable[..., Awaitable[Response]]:
    """Return the route of an action."""
    office = desk.office

    async def move(
        code: str, visit: Annotated[ConsoleVisit, Depends(office.console.enter(f"{action}Type"))]
    ) -> Response:
        done = await office.pool.ask(lambda ledger: desk.move(ledger, visit, code, action), actor=visit.principal.id)
        return desk.answer(visit, done)

    return move


class _Desk:
    """What forms ask of the ledger: each does it and names the type to go to, or gives the page to be mended."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def answer(self, visit: ConsoleVisit, done: str | TypePage) -> Response:
        if isinstance(done, str):
            return RedirectResponse(f"{_HERE}/{done}", 303)
        return self.office.console.page(visit.frame(Section.CATALOGUE), done, 422)

    def begin(self, ledger: SqlLedger, visit: ConsoleVisit) -> TypePage:
        department = visit.scope.department or ""
        code = free_code(ledger.database, department)
        return new_page(first_editor(code, self.office.departments.name(department).zh))

    def create(self, ledger: SqlLedger, visit: ConsoleVisit) -> str | TypePage:
        editor = posted_editor(visit.form)
        code = code_in(editor.definition)
        try:
            content = read_editor(editor, code, 1)
            _require_own(code, visit)
            TypeEditor(ledger.database, visit.scope).save(code, content, Condition(None, "*"), self.office.clock())
        except MalformedError as error:
            return new_page(with_problems(editor, error.problems))
        return code

    def save(self, ledger: SqlLedger, visit: ConsoleVisit, code: str) -> str | TypePage:
        editor = posted_editor(visit.form)
        held = find_version(ledger.database, reader_of(visit.principal), code)
        try:
            content = read_editor(editor, code, held.version)
            TypeEditor(ledger.database, visit.scope).save(code, content, Condition(editor.etag), self.office.clock())
        except MalformedError as error:
            mended = with_problems(editor, error.problems)
            return type_page(ledger, visit.principal, self.office.fonts, code, editor=mended)
        return code

    def revise(self, ledger: SqlLedger, visit: ConsoleVisit, code: str) -> str:
        held = find_version(ledger.database, reader_of(visit.principal), code)
        condition = Condition(visit.form.get("etag", ""))
        editor = TypeEditor(ledger.database, visit.scope)
        editor.save(code, revised(held), condition, self.office.clock())
        return code

    def move(self, ledger: SqlLedger, visit: ConsoleVisit, code: str, action: TypeAction) -> str | TypePage:
        condition, note = Condition(visit.form.get("etag", "")), visit.form.get("note", "").strip()
        editor = TypeEditor(ledger.database, visit.scope)
        try:
            editor.move(code, action, condition, self.office.clock(), note=note, fonts=self.office.fonts)
        except MalformedError:
            return type_page(ledger, visit.principal, self.office.fonts, code)
        return code


def _require_own(code: str, visit: ConsoleVisit) -> None:
    """Require that a new code is one of the operator's department, and say so where it stands."""
    if not code.startswith(visit.scope.department or "-"):
        place, expected = "/definition/basicInformation/code", "a code that begins with your department's"
        problem = FieldProblem(place, expected, "以本部门统一社会信用代码开头的代码")
        raise MalformedError(Reason.TYPE_MALFORMED, "another department's code", (problem,))
