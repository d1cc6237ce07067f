"""Reading a publisher that is hostile, slow or not there; and the command lines over publishers of every kind."""

from __future__ import annotations

import asyncio
import gzip
import time
from typing import TYPE_CHECKING

import pytest
from starlette.responses import Response

from ecert.cli import entry
from ecert.cli.bundle import load_bundle
from ecert.errors import EcertError, MalformedError, Reason
from ecert.revocation import State
from ecert.sm2 import sm3
from tests.verifier.province import REGION, Province, now
from tests.verifier.servers import PublishingServer, endless, free_port
from verifier.cli import app
from verifier.keeper import Keeper
from verifier.publisher import Publisher, UnreachableError, open_publisher
from verifier.redis_site import require_redis_url
from verifier.services import Settings, build_services, read_token
from verifier.update import gather_from, update_from

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


def ask(source: str, question: Callable[[Publisher], Awaitable[bytes | None]]) -> bytes | None:
    async def body() -> bytes | None:
        publisher = open_publisher(source)
        try:
            return await question(publisher)
        finally:
            await publisher.close()

    return asyncio.run(body())


@pytest.fixture(params=["folder", "web"])
def source(request: pytest.FixtureRequest, province: Province, publisher: PublishingServer) -> str:
    return str(province.folder) if request.param == "folder" else publisher.url


def test_a_file_is_read_up_to_its_limit_and_one_byte(province: Province, source: str) -> None:
    path, size = f"status/{REGION}/snapshot.bin", len(province.snapshot)
    assert ask(source, lambda publisher: publisher.get(path, size)) == province.snapshot
    assert ask(source, lambda publisher: publisher.get(path, 10)) == province.snapshot[:11]
    assert ask(source, lambda publisher: publisher.get("status/nothing.bin", 10)) is None


@pytest.mark.parametrize(
    "path", ["../secret", "a/../../secret", "/etc/passwd", "", "a//b", ".hidden", "a?b", "a b", "é"]
)
def test_a_name_that_is_no_published_file_s_is_never_asked_for(source: str, path: str) -> None:
    with pytest.raises(MalformedError):
        ask(source, lambda publisher: publisher.get(path, 10))


def test_what_did_not_change_is_not_sent_again(province: Province, publisher: PublishingServer) -> None:
    path = "registry/metadata/timestamp.json"

    async def twice(source: Publisher) -> bytes | None:
        first = await source.get(path, 9999)
        assert await source.get(path, 9999) == first
        assert publisher.statuses[path] == [200, 304]
        province.publish_registry()
        return await source.get(path, 9999)

    assert ask(publisher.url, twice) == (province.folder / path).read_bytes()
    assert publisher.statuses[path] == [200, 304, 200]


def test_data_without_an_end_are_read_no_further_than_asked_for(publisher: PublishingServer) -> None:
    publisher.faults["status/"] = endless()
    began = time.monotonic()
    data = ask(publisher.url, lambda source: source.get("status/x", 1000))
    assert data == b"x" * 1001
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "answer",
    [
        Response(gzip.compress(bytes(10_000_000)), headers={"Content-Encoding": "gzip"}),
        Response(b"x", status_code=500),
        Response(b"x", status_code=206),
        Response(status_code=301, headers={"Location": "/elsewhere"}),
        Response(status_code=304),
    ],
    ids=["a bomb", "an error", "a part", "elsewhere", "unchanged, though never asked for"],
)
def test_an_answer_of_another_kind_is_none(publisher: PublishingServer, answer: Response) -> None:
    publisher.faults["status/"] = answer
    with pytest.raises(UnreachableError):
        ask(publisher.url, lambda source: source.get("status/x", 1000))


def test_a_publisher_that_is_not_there_is_said_to_be_so() -> None:
    with pytest.raises(UnreachableError):
        ask(f"http://127.0.0.1:{free_port()}", lambda source: source.get("status/x", 1000))


@pytest.mark.parametrize("url", ["http://", "http://u:p@host/", "https://host/?q", "http://host/#f", "http://[::1"])
def test_a_url_that_is_no_publisher_s_is_refused_before_anything_starts(url: str, folder: Path) -> None:
    with pytest.raises(EcertError) as caught:
        build_services(Settings(folder, (url,)), now)
    assert caught.value.reason is Reason.USAGE


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://host", "redis://", "redis://host:port"])
def test_a_url_that_is_no_redis_s_is_refused_before_anything_starts(url: str) -> None:
    with pytest.raises(MalformedError):
        require_redis_url(url)


@pytest.mark.parametrize("name", ["x" * 41, "a\nb"])
def test_a_window_s_name_is_short_and_printable(name: str, folder: Path) -> None:
    with pytest.raises(EcertError):
        build_services(Settings(folder, window=name), now)


def test_the_token_comes_from_a_variable_or_a_file_and_not_from_both(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    assert read_token({}) is None
    assert read_token({"ECERT_WINDOW_TOKEN": "abc"}) == "abc"
    assert read_token({"ECERT_WINDOW_TOKEN_FILE": str(file)}) == "s3cret"
    for environment in (
        {"ECERT_WINDOW_TOKEN": "abc", "ECERT_WINDOW_TOKEN_FILE": str(file)},
        {"ECERT_WINDOW_TOKEN": ""},
        {"ECERT_WINDOW_TOKEN": "a\r\nX-Other: b"},
        {"ECERT_WINDOW_TOKEN_FILE": str(tmp_path / "nothing")},
    ):
        with pytest.raises(EcertError):
            read_token(environment)


# The commands


def run(*arguments: object) -> int:
    return entry.execute(app, [str(argument) for argument in arguments])


@pytest.fixture
def pinned(province: Province, tmp_path: Path) -> Path:
    root, folder = tmp_path / "pinned-root.json", tmp_path / "pinned"
    root.write_bytes(province.root)
    assert run("pin", root, "--bundle", folder) == entry.OK
    return folder


def test_pin_prints_a_fingerprint_once_and_refuses_a_second_root(
    province: Province, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (pinned / "root.json").read_bytes() == province.root
    assert run("pin", tmp_path / "pinned-root.json", "--bundle", tmp_path / "second") == entry.OK
    assert capsys.readouterr().out.split("\t")[1].strip() == sm3(province.root).hex()
    assert run("pin", tmp_path / "pinned-root.json", "--bundle", pinned) == entry.REFUSED
    rubbish = tmp_path / "rubbish.json"
    rubbish.write_text("{}")
    assert run("pin", rubbish, "--bundle", tmp_path / "other") == entry.REFUSED
    assert not (tmp_path / "other").exists()


def test_update_takes_from_a_folder_and_a_url_and_show_says_how_old_it_is(
    source: str, pinned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "--bundle", pinned) == entry.CANNOT_TELL
    capsys.readouterr()
    assert run("update", source, "--bundle", pinned) == entry.OK
    assert capsys.readouterr().out == f"registry\ttaken\nstatus/{REGION}\ttaken\n"
    assert run("show", "--bundle", pinned) == entry.OK
    assert capsys.readouterr().out.count("fresh") == 2


def test_update_says_which_part_was_refused_and_keeps_what_is_held(
    province: Province, pinned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("update", province.folder, "--bundle", pinned) == entry.OK
    held = load_bundle(pinned)
    province.advance()
    (province.folder / f"status/{REGION}/deltas/2.bin").write_bytes(b"rubbish")
    capsys.readouterr()
    assert run("update", province.folder, "--bundle", pinned) == entry.REFUSED
    said = capsys.readouterr()
    assert said.out == f"registry\ttaken\nstatus/{REGION}\trefused\n"
    assert "status-malformed" in said.err
    assert load_bundle(pinned).status.regions == held.status.regions


def test_a_publisher_that_is_not_there_changes_nothing(pinned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("update", f"http://127.0.0.1:{free_port()}", "--bundle", pinned) == entry.REFUSED
    assert "source-unreachable" in capsys.readouterr().err
    assert run("update", pinned / "nowhere", "--bundle", pinned) == entry.REFUSED
    assert not (pinned / "bundle.bin").exists()


def test_show_counts_what_is_missing(province: Province, pinned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    province.add_silent_region("310000")
    assert run("update", province.folder, "--bundle", pinned) == entry.REFUSED
    capsys.readouterr()
    assert run("show", "--bundle", pinned) == entry.CANNOT_TELL
    assert "status/310000\t-" in capsys.readouterr().out


def test_one_file_carries_everything_to_a_window_without_a_network(
    province: Province, publisher: PublishingServer, pinned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    licences = [province.issue(row) for row in range(2)]
    for licence in licences:
        province.decide(licence, State.REVOKED, reason="样例")
    province.publish_pages()
    out = tmp_path / "bundle.bin"
    assert run("bundle", "--bundle", pinned, "--out", out) == entry.CANNOT_TELL
    assert run("bundle", "--bundle", pinned, "--out", out, "--source", publisher.url) == entry.OK
    assert run("bundle", "--bundle", pinned, "--out", out, "--source", out) == entry.USAGE

    other = tmp_path / "other"
    assert run("pin", tmp_path / "pinned-root.json", "--bundle", other) == entry.OK
    capsys.readouterr()
    assert run("update", out, "--bundle", other) == entry.OK
    assert capsys.readouterr().out == f"registry\ttaken\nstatus/{REGION}\ttaken\n"
    held = load_bundle(other)
    for licence in licences:
        events = held.status.events(REGION, province.key_id, province.reference(licence))
        assert events
        assert events[0].reason == "样例"
    assert run("update", out, "--bundle", other) == entry.OK


def test_a_bundle_that_is_older_takes_nothing_back(province: Province, pinned: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle.bin"
    assert run("bundle", "--bundle", pinned, "--out", out, "--source", province.folder) == entry.OK
    licence = province.issue()
    province.decide(licence, State.REVOKED)
    assert run("update", province.folder, "--bundle", pinned) == entry.OK
    assert run("update", out, "--bundle", pinned) in (entry.OK, entry.REFUSED)
    held = load_bundle(pinned).status.regions[REGION]
    assert held.mark(province.key_id, province.reference(licence)).state is State.REVOKED


def test_details_that_a_publisher_does_not_have_are_named(province: Province, folder: Path) -> None:
    province.decide(province.issue(), State.SUSPENDED)
    keeper = Keeper(load_bundle(folder), now)
    outcomes = dict(gather_from(keeper, str(province.folder)))
    missing = [error for part, error in outcomes.items() if "/pages/" in part]
    assert [error.reason for error in missing if error] == [Reason.STATUS_DETAILS_MISSING]
    assert outcomes["registry"] is None
    assert update_from(keeper, str(province.folder)) == [("registry", None), (f"status/{REGION}", None)]
