"""Whatever bytes stand in the place of a file: a refusal or a region's problem, never anything else."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from ecert.errors import EcertError
from ecert.trust.metadata import load_registry
from tests.trust.country import ISSUERS

if TYPE_CHECKING:
    from tests.trust.country import Country
    from tests.trust.repository import Repository

JUNK: tuple[Any, ...] = (None, True, -1, 0, 10**14, "", "x", "\ud800", [], [[]], {}, {"": None}, ["a", "a"], "2024")


def outcome(repository: Repository, files: dict[str, bytes], country: Country) -> set[str] | None:
    """Return the regions whose issuers are known; None when everything was refused."""
    try:
        registry = load_registry(files, repository.root)
    except EcertError:
        return None
    return {code for code, name in ISSUERS.items() if registry.find(country.key_id(name)) is not None}


def test_no_changed_byte_is_ever_believed(country: Country) -> None:
    repository = country.repository()
    files = repository.files
    chance = random.Random(3)  # noqa: S311  (which bytes to change)
    names = [name for name in files if name != "1.root.json"]
    for name in names:
        for _ in range(12):
            index = chance.randrange(len(files[name]))
            changed = bytearray(files[name])
            changed[index] ^= 1 << chance.randrange(8)
            known = outcome(repository, {**files, name: bytes(changed)}, country)
            assert known is None or known < ISSUERS.keys(), (name, index)


def test_files_in_each_others_places_are_never_believed(country: Country) -> None:
    repository = country.repository()
    files = repository.files
    names = [name for name in files if name != "1.root.json"]
    for name in names:
        for other in names:
            if other != name:
                known = outcome(repository, {**files, name: files[other]}, country)
                assert known is None or known < ISSUERS.keys(), (name, other)


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, one in inner for place in _places(one, (*way, key)))]


def _replaced(value: Any, way: tuple[Any, ...], junk: Any) -> Any:
    if not way:
        return junk
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[way[0]] = _replaced(copied[way[0]], way[1:], junk)
    return copied


def test_junk_that_is_signed_for_ends_in_a_refusal_or_a_regions_problem(country: Country) -> None:
    """The signer of every file in turn goes mad: no value in it makes reading end in anything but our own errors."""
    chance = random.Random(5)  # noqa: S311
    for role in ("timestamp", "snapshot", "targets", "440000", "310000"):
        repository = country.repository()
        signed = json.loads(repository.files[f"{role}.json"])["signed"]
        for way in _places(signed)[1:]:
            junk = chance.choice(JUNK)

            def edit(content: dict[str, Any], way: tuple[Any, ...] = way, junk: Any = junk) -> None:
                content.update(_replaced(content, way, junk))

            repository.edits[role] = [edit]
            try:
                repository.publish()
            except UnicodeEncodeError:
                continue
            known = outcome(repository, repository.files, country)
            if known is not None and role in ISSUERS:
                others = ISSUERS.keys() - {role, "440100"}
                assert others <= known, (role, way, junk)
