"""A change of the ceremony directory is made whole or not at all, whatever interrupts it."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Callable  # noqa: TC003
from typing import TYPE_CHECKING

import pytest

from ecert.errors import CustodyError, Reason
from keys.home import Change, Home

if TYPE_CHECKING:
    from pathlib import Path


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "pki")
    with home.locked():
        home.apply(Change(create={"x.pem": b"old", "x.key.pem": b"old key"}))
    return home


def test_keys_are_for_their_owner_and_the_rest_is_public_whatever_the_umask(home: Home) -> None:
    assert mode(home.path) == 0o700
    assert mode(home.file("x.key.pem")) == 0o600
    assert mode(home.file("x.pem")) == 0o644


def test_a_replaced_file_stays_under_the_name_it_is_kept_by(home: Home) -> None:
    with home.locked():
        written = home.apply(Change(create={"y.pem": b"y"}, keep={"x.pem": "x.1.pem"}, replace={"x.pem": b"new"}))
    assert contents(home.path) == {"x.pem": b"new", "x.1.pem": b"old", "x.key.pem": b"old key", "y.pem": b"y"}
    assert [path.name for path in written] == ["y.pem", "x.pem", "x.1.pem"]


@pytest.mark.parametrize(
    "change",
    [
        Change(create={"y.pem": b"y", "x.pem": b"new"}),
        Change(create={"y.pem": b"y"}, keep={"x.pem": "x.key.pem"}, replace={"x.pem": b"new"}),
    ],
)
def test_a_taken_name_is_refused_and_nothing_is_written(home: Home, change: Change) -> None:
    before = contents(home.path)
    with home.locked(), pytest.raises(CustodyError) as caught:
        home.apply(change)
    assert caught.value.reason is Reason.KEY_EXISTS
    assert contents(home.path) == before


def test_a_dangling_link_takes_a_name_too(home: Home) -> None:
    home.file("y.pem").symlink_to("nowhere")
    with home.locked(), pytest.raises(CustodyError, match="key-exists"):
        home.apply(Change(create={"y.pem": b"y"}))


def interrupted(home: Home, *, done: int) -> None:
    """Leave the directory as a writer killed after `done` of the four moves leaves it."""
    commit = home.file(".commit")
    commit.mkdir()
    (commit / "plan.json").write_text(
        json.dumps({"create": ["y.pem"], "keep": {"x.pem": "x.1.pem"}, "replace": ["x.pem"]})
    )
    (commit / "y.pem").write_bytes(b"y")
    (commit / "x.pem").write_bytes(b"new")
    moves: list[Callable[[], object]] = [
        lambda: home.file("x.1.pem").hardlink_to(home.file("x.pem")),
        lambda: home.file("y.pem").hardlink_to(commit / "y.pem"),
        (commit / "y.pem").unlink,
        lambda: (commit / "x.pem").rename(home.file("x.pem")),
        (commit / "plan.json").unlink,
    ]
    for move in moves[:done]:
        move()


@pytest.mark.parametrize("done", range(6))
def test_a_change_cut_short_after_its_commit_is_finished_by_the_next_command(home: Home, done: int) -> None:
    interrupted(home, done=done)
    home.prepare()
    assert contents(home.path) == {"x.pem": b"new", "x.1.pem": b"old", "x.key.pem": b"old key", "y.pem": b"y"}


def test_a_change_cut_short_before_its_commit_never_happened(home: Home) -> None:
    before = contents(home.path)
    staged = home.file(".staged-abc")
    staged.mkdir()
    (staged / "y.key.pem").write_bytes(b"half a k")
    home.prepare()
    assert contents(home.path) == before


def test_a_file_that_appears_in_the_middle_is_not_overwritten_and_the_change_waits_for_it_to_go(home: Home) -> None:
    interrupted(home, done=0)
    home.file("y.pem").write_bytes(b"somebody else's")
    with pytest.raises(CustodyError, match="move it away"):
        home.prepare()
    assert home.file("y.pem").read_bytes() == b"somebody else's"
    home.file("y.pem").unlink()
    home.prepare()
    assert home.file("y.pem").read_bytes() == b"y"


@pytest.mark.parametrize("bits", [0o770, 0o777, 0o702])
def test_a_directory_others_can_write_to_is_refused(home: Home, bits: int) -> None:
    home.path.chmod(bits)
    with pytest.raises(CustodyError, match="chmod 700"):
        home.prepare()


def test_a_file_in_the_directorys_place_and_a_missing_parent_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "no" / "such"):
        with pytest.raises(CustodyError, match="cannot be used"):
            Home(path).prepare()


def test_two_commands_at_once_take_turns(home: Home) -> None:
    entered = threading.Event()

    def second() -> None:
        with home.locked():
            entered.set()

    with home.locked():
        other = threading.Thread(target=second)
        other.start()
        assert not entered.wait(0.2)
    other.join(5)
    assert entered.is_set()
