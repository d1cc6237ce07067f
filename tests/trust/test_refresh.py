"""How a window is brought up to date: what it asks for, what it does not, and how it recovers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ecert.errors import EcertError, MalformedError, NotFoundError, Reason, RejectedError
from ecert.trust.metadata import RegistryFiles, Wanted, export_files, load_registry, read_export, refresh
from tests.trust.country import GUANGDONG, SHANGHAI, Country
from tests.trust.repository import DAY, Repository, answer

if TYPE_CHECKING:
    from collections.abc import Callable

SLICE = "registry/310000/common/issuers.json"


def asked(
    repository: Repository, held: RegistryFiles | None, wants: Callable[[str], bool] = lambda _: True
) -> tuple[RegistryFiles, list[Wanted]]:
    wanted: list[Wanted] = []

    def bring(one: Wanted) -> bytes | None:
        wanted.append(one)
        return repository.published.get(one.path)

    return answer(refresh(held, repository.root, now=repository.now, wants=wants), bring), wanted


def test_a_first_update_takes_everything_that_is_published(country: Country) -> None:
    repository = country.repository()
    files, wanted = asked(repository, None)
    assert files == {name: data for name, data in repository.files.items() if name != "1.root.json"}
    assert [one.path for one in wanted[:4]] == [
        "metadata/2.root.json",
        "metadata/timestamp.json",
        "metadata/1.snapshot.json",
        "metadata/1.targets.json",
    ]
    assert [one.optional for one in wanted[:2]] == [True, False]


def test_files_are_asked_for_with_the_length_that_was_announced(country: Country) -> None:
    repository = country.repository()
    _, wanted = asked(repository, None)
    for one in wanted[2:]:
        assert one.limit == len(repository.files[one.name])


def test_nothing_new_costs_two_questions_and_returns_what_was_held(country: Country) -> None:
    repository = country.repository()
    held, _ = asked(repository, None)
    files, wanted = asked(repository, held)
    assert files is held
    assert [one.name for one in wanted] == ["2.root.json", "timestamp.json"]


def test_only_slices_that_changed_are_fetched_again(country: Country) -> None:
    repository = country.repository()
    held, _ = asked(repository, None)
    repository.set_crl("310000", country.crl("310000", country.revocation(SHANGHAI, country.now)))
    repository.publish()
    _, wanted = asked(repository, held)
    assert [one.name for one in wanted if one.name.startswith("registry/")] == ["registry/310000/common/authority.json"]


def test_a_window_takes_only_the_slices_it_wants(country: Country) -> None:
    repository = country.repository()
    files, _ = asked(repository, None, lambda path: path.startswith("registry/440000/"))
    registry = load_registry(files, repository.root)
    assert registry.regions.keys() == {"440000"}
    assert not registry.problems
    assert registry.find(country.key_id(GUANGDONG)) is not None


def test_a_region_in_trouble_is_asked_for_again_and_recovers_by_itself(country: Country) -> None:
    repository = country.repository()
    good = repository.published.pop(repository.current[SLICE])
    held, _ = asked(repository, None)
    assert load_registry(held, repository.root).problems["310000"].reason is Reason.REGISTRY_MISSING
    repository.published[repository.current[SLICE]] = good
    files, wanted = asked(repository, held)
    assert wanted[-1].name == SLICE
    assert not load_registry(files, repository.root).problems


def test_roots_held_from_before_are_not_asked_for_again(country: Country) -> None:
    repository = country.repository()
    repository.rotate_root_key()
    repository.publish()
    held, _ = asked(repository, None)
    repository.rotate_root_key()
    repository.publish()
    files, wanted = asked(repository, held)
    assert [one.name for one in wanted[:2]] == ["3.root.json", "4.root.json"]
    assert {"2.root.json", "3.root.json"} <= files.keys()


def test_a_spoilt_root_in_what_is_held_is_fetched_again(country: Country) -> None:
    repository = country.repository()
    repository.rotate_root_key()
    repository.publish()
    held, _ = asked(repository, None)
    files, wanted = asked(repository, {**held, "2.root.json": b"{}"})
    assert wanted[0].name == "2.root.json"
    assert files == held


def test_poisoned_holdings_cause_delay_and_nothing_else(country: Country) -> None:
    repository = country.repository()
    clean, _ = asked(repository, None)
    for name in clean:
        for poison in (b"", b"{}", clean[name][:-1], clean["timestamp.json"]):
            files, _ = asked(repository, {**clean, name: poison})
            assert files == clean, name


def test_a_refused_update_leaves_what_is_held_good(country: Country) -> None:
    repository = country.repository()
    held, _ = asked(repository, None)
    repository.signers["timestamp"] = ["440000"]
    repository.publish()
    with pytest.raises(RejectedError):
        asked(repository, held)
    assert load_registry(held, repository.root).version == 1


def test_a_root_pinned_later_needs_no_earlier_one(country: Country) -> None:
    repository = country.repository()
    for number in range(3):
        repository.rotate_root_key(number)
    repository.publish()
    repository.root = repository.published["metadata/3.root.json"]
    files, wanted = asked(repository, None)
    assert wanted[0].name == "4.root.json"
    assert load_registry(files, repository.root).version == 2


def test_a_root_that_is_no_root_is_refused(country: Country) -> None:
    repository = country.repository()
    for root in (b"", b"{}", repository.files["timestamp.json"]):
        with pytest.raises(EcertError):
            load_registry(repository.files, root)


def test_a_registry_without_a_part_of_the_nation_is_missing(country: Country) -> None:
    repository = country.repository()
    for name in ("timestamp.json", "snapshot.json", "targets.json", "registry/000000/common/authority.json"):
        files = {one: data for one, data in repository.files.items() if one != name}
        with pytest.raises(NotFoundError) as caught:
            load_registry(files, repository.root)
        assert caught.value.reason is Reason.REGISTRY_MISSING


def test_a_registry_that_expired_long_ago_still_loads_and_tells_its_age(country: Country) -> None:
    repository = country.repository()
    registry = repository.load()
    assert not registry.is_fresh(country.now + 1000 * DAY)
    with pytest.raises(RejectedError) as caught:
        repository.update(now=country.now + 1000 * DAY)
    assert caught.value.reason is Reason.REGISTRY_FROZEN


def test_an_export_is_read_back_as_it_was(country: Country) -> None:
    files = country.repository().files
    assert read_export(export_files(files)) == files


def test_what_is_no_export_is_malformed() -> None:
    for data in (b"", b"\xa0\x00", b"\x80", b"\xa1\x01\x40", b"\xa1\x61\x61\x01", b"\xa1\x62\x2f\x61\x40"):
        with pytest.raises(MalformedError) as caught:
            read_export(data)
        assert caught.value.reason is Reason.REGISTRY_MALFORMED
