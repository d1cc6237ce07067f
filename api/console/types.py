"""Views of licence types, made of what the catalogue's ledger has."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from api.access.permissions import scope_of
from api.catalogue.book import TypeBook
from api.catalogue.content import LAYOUT, shortcomings
from api.catalogue.finding import Reader, count_types, find_version, list_events, list_types, list_versions
from api.catalogue.states import MOVES, TypeState
from api.console.views import catalogue as views
from api.console.views.frame import Entry, Section
from api.console.views.licences import LicenceState
from api.console.written_types import editor_of
from api.pool import SERVICE
from ecert.licence.codes import PROVINCES, Phrase
from ecert.licence.types import TypeDefinition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from api.access.principals import Principal
    from api.catalogue.finding import TypeEvent, TypeVersion
    from api.catalogue.sharing import Budget
    from api.database import Database
    from api.ledger import SqlLedger
    from ecert.licence.dependencies import Dependency
    from ecert.ofd.fonts import FontSet

_NATION: Final = "000000"


def reader_of(principal: Principal) -> Reader:
    """Return what somebody may see of the catalogue."""
    return Reader(principal.department)


def catalogue_list(ledger: SqlLedger, principal: Principal, state: views.TypeState | None) -> views.CatalogueList:
    """Return all types that somebody may see."""
    reader, wanted = reader_of(principal), None if state is None else TypeState[state.name]
    counts = count_types(ledger.database, reader)
    return views.CatalogueList(
        tuple(map(_row, list_types(ledger.database, reader, wanted))),
        tuple((views.TypeState[one.name], count) for one, count in counts.items()),
        state,
        may_create=scope_of(principal, "saveType") is not None,
    )


def type_page(
    ledger: SqlLedger,
    principal: Principal,
    fonts: FontSet,
    code: str,
    version: int | None = None,
    *,
    editor: views.Editor | None = None,
) -> views.TypePage:
    """Return one type, as the version asked for says it.

    Args:
        ledger: Where it is.
        principal: Who looks.
        fonts: What pages are set in.
        code: 证照类型代码.
        version: The version; None: the newest.
        editor: What somebody wrote and could not be saved.

    Raises:
        NotFoundError: TYPE_UNKNOWN; there is no such version for them.
    """
    database, reader = ledger.database, reader_of(principal)
    found, seen = find_version(database, reader, code, version), list_versions(database, reader, code)
    definition, sharing = TypeDefinition.from_json(found.content.definition), found.content.sharing
    lacking = shortcomings(found.content, definition, database, fonts) if found.state is TypeState.DRAFT else ()
    pictured = not any(one.pointer == LAYOUT for one in lacking)
    if editor is None and found.state is TypeState.DRAFT and _may(principal, "saveType", found):
        editor = editor_of(found, lacking)
    return views.TypePage(
        code=code,
        name=Phrase(definition.name_en, definition.name),
        state=views.TypeState[found.state.name],
        version=found.version,
        entries=(*views.catalogue_entries(definition), _kept(sharing.retention_days)),
        etag=found.etag,
        sample=f"{Section.CATALOGUE.path}/{code}/sample.svg?version={found.version}" if pictured else "",
        actions=tuple(_actions(principal, found, seen[0])),
        versions=tuple(_versions(seen, list_events(database, seen))),
        depends_on=tuple(_dependencies(definition.depends_on, database)),
        shared_with=tuple(map(_region, sharing.regions)),
        budgets=tuple(map(_budget, sharing.budgets)),
        editor=editor,
    )


def new_page(editor: views.Editor) -> views.TypePage:
    """Return the page of a type that is written for the first time."""
    return views.TypePage("", Phrase("New type", "新建类型"), views.TypeState.DRAFT, 1, (), "", editor=editor)


def _row(one: TypeVersion) -> views.TypeRow:
    definition = TypeDefinition.from_json(one.content.definition)
    return views.TypeRow(
        one.code,
        Phrase(definition.name_en, definition.name),
        definition.authority.name,
        views.HOLDERS[definition.holder_category],
        one.version,
        views.TypeState[one.state.name],
        one.changed_at,
    )


def _may(principal: Principal, operation: str, one: TypeVersion) -> bool:
    scope = scope_of(principal, operation)
    return scope is not None and scope.department in (None, one.department)


def _actions(principal: Principal, shown: TypeVersion, newest: TypeVersion) -> Iterator[views.TypeAction]:
    for action, move in MOVES.items():
        if move.before is shown.state and _may(principal, f"{action}Type", shown):
            yield views.TypeAction[action.name]
    is_settled = shown.state in (TypeState.PUBLISHED, TypeState.DISABLED)
    if is_settled and shown.version == newest.version and _may(principal, "saveType", shown):
        yield views.TypeAction.REVISE


def _versions(seen: list[TypeVersion], events: list[TypeEvent]) -> Iterator[views.TypeVersion]:
    notes: dict[int, str] = {}
    for event in events:
        notes.setdefault(event.version, event.note)
    for one in seen:
        state = views.TypeState[one.state.name]
        author = "系统 System" if one.author == SERVICE else one.author
        yield views.TypeVersion(one.version, state, one.changed_at, author, notes.get(one.version, ""))


def _dependencies(found: Iterable[Dependency], database: Database) -> Iterator[views.DependencyRow]:
    names = TypeBook(database).names()
    for one in found:
        law, words = one.consequence, ""
        if law is not None:
            fallen = "、".join(LicenceState[state.name].zh for state in law.parent_states)
            words = f"上游{fallen}时，依{law.legal_basis}变为{LicenceState[law.child_state.name].zh}"
        yield views.DependencyRow(one.type_code, names.get(one.type_code, Phrase("", one.type_code)), words)


def _region(code: str) -> Phrase:
    if code == _NATION:
        return Phrase("The whole country", "全国")
    province = PROVINCES[code[:2]]
    return province if code.endswith("0000") else Phrase(f"{province.en} {code}", f"{province.zh} {code}")


def _budget(one: Budget) -> views.FreshnessBudget:
    use = Phrase("All matters", "所有事项") if one.matter is None else Phrase("", one.matter)
    return views.FreshnessBudget(use, _seconds(one.registry_max_age), _seconds(one.status_max_age))


def _seconds(age: int | None) -> timedelta | None:
    return None if age is None else timedelta(seconds=age)


def _kept(days: int | None) -> Entry:
    return Entry(Phrase("Retention", "保留期限"), "长期" if days is None else f"失效后 {days} 天")
