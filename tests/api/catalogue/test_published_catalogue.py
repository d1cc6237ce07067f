"""The catalogue as windows get it: signed, complete, and every file the one that is listed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ecert.errors import Reason, RejectedError
from ecert.revocation.type_list import ListedBudget, ListedState, TypeList, load_type_list
from ecert.sm2 import sm3
from tests.api.catalogue.writing import CODE, content, move, published, save
from tests.api.province import GUANGDONG

if TYPE_CHECKING:
    from tests.api.office import Site

FOLDER = f"/status/{GUANGDONG}"


def publish(site: Site) -> None:
    """Publish what the ledger says now."""
    provinces = site.region.provinces
    provinces.now = datetime.now(UTC) + timedelta(seconds=1)
    provinces.publish()


def fetch(site: Site, held: TypeList | None = None) -> TypeList:
    """Do what a window does: fetch the list and verify it, and every file that it names."""
    data = site.client.get(f"{FOLDER}/types.bin").content
    now = datetime.now(UTC) + timedelta(seconds=2)
    listing = load_type_list(data, site.region.provinces.registry, now=now, held=held)
    for one in listing.types:
        definition, _ = one.open(file(site, one.definition), file(site, one.layout))
        assert (definition.code, definition.version) == (one.code, one.version)
    return listing


def file(site: Site, digest: bytes) -> bytes:
    answer = site.client.get(f"{FOLDER}/types/{digest.hex()}.json")
    assert answer.headers["cache-control"].endswith("immutable")
    return answer.content


def test_a_window_fetches_the_catalogue_and_verifies_it(site: Site) -> None:
    sharing = {
        "regions": ["310000"],
        "budgets": [{"matter": "M-1", "registry_max_age": None, "status_max_age": 300}],
        "retention_days": 3650,
    }
    publish(site)
    first = fetch(site)
    assert (len(first.types), {one.state for one in first.types}) == (8, {ListedState.PUBLISHED})
    etag = save(site, content() | {"sharing": sharing}, If_None_Match="*").headers["ETag"]
    publish(site)
    assert fetch(site, first).types == first.types
    etag = move(site, "submit", etag, who="catalogue-manager").headers["ETag"]
    etag = move(site, "publish", etag).headers["ETag"]
    publish(site)
    second = fetch(site, first)
    mine = second.find(CODE, 1)
    assert mine is not None
    assert (mine.state, mine.regions) == (ListedState.PUBLISHED, ("310000",))
    assert mine.budgets == (ListedBudget("M-1", None, 300),)
    move(site, "disable", etag, note="不再核发")
    publish(site)
    ended = fetch(site, second).find(CODE, 1)
    assert ended is not None
    assert ended.state is ListedState.DISABLED


def test_a_file_that_is_not_the_one_listed_is_refused(site: Site) -> None:
    published(site)
    publish(site)
    listing = fetch(site)
    one, other = listing.types[:2]
    with pytest.raises(RejectedError) as caught:
        one.open(file(site, other.definition), file(site, one.layout))
    assert caught.value.reason is Reason.TYPE_DIGEST_MISMATCH


def test_a_list_is_signed_again_only_when_it_says_something_else_or_a_file_is_lost(site: Site) -> None:
    path = site.region.provinces.published / "status" / GUANGDONG
    publish(site)
    first = (path / "types.bin").read_bytes()
    publish(site)
    assert (path / "types.bin").read_bytes() == first
    lost = next((path / "types").iterdir())
    assert sm3(lost.read_bytes()).hex() == lost.stem
    lost.unlink()
    publish(site)
    assert lost.exists()
