"""Where passphrases come from, and that the command line is not such a place."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ecert.errors import CustodyError, Reason
from keys.passphrase import PassphraseSource, read_passphrase_file, require_strong
from tests.keys.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def source(
    environ: dict[str, str] | None = None, file: Path | None = None, fallback: PassphraseSource | None = None
) -> PassphraseSource:
    return PassphraseSource(environ or {}, "ECERT_PASSPHRASE", "--passphrase-file", file, fallback)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"secret", b"secret"),
        (b"secret\n", b"secret"),
        (b"secret\r\n", b"secret"),
        (b"  secret \n", b"  secret "),
        ("口令".encode() + b"\n", "口令".encode()),
    ],
)
def test_a_file_holds_one_line_and_only_its_line_end_is_dropped(tmp_path: Path, text: bytes, expected: bytes) -> None:
    (tmp_path / "p").write_bytes(text)
    assert read_passphrase_file(tmp_path / "p") == expected


@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n"])
def test_an_empty_file_gives_no_passphrase(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "p").write_bytes(text)
    with pytest.raises(CustodyError, match="passphrase-missing"):
        read_passphrase_file(tmp_path / "p")


@pytest.mark.parametrize("text", [b"one\ntwo\n", b"one\n\n", b"x" * 1025])
def test_a_file_that_is_not_one_line_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "p").write_bytes(text)
    with pytest.raises(CustodyError, match="one line"):
        read_passphrase_file(tmp_path / "p")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CustodyError, match="nowhere"):
        read_passphrase_file(tmp_path / "nowhere")


def test_the_option_comes_before_the_environment_and_that_before_the_fallback(tmp_path: Path) -> None:
    (tmp_path / "option").write_text("from option")
    (tmp_path / "file").write_text("from file")
    fallback = source({"ECERT_PASSPHRASE": "from fallback"})
    assert source({"ECERT_PASSPHRASE": "from value"}, tmp_path / "option", fallback).ask("x") == b"from option"
    assert source({"ECERT_PASSPHRASE": "from value"}, None, fallback).ask("x") == b"from value"
    assert source({"ECERT_PASSPHRASE_FILE": str(tmp_path / "file")}, None, fallback).ask("x") == b"from file"
    assert source({"ECERT_PASSPHRASE": ""}, None, fallback).ask("x") == b"from fallback"


def test_two_variables_at_once_are_refused() -> None:
    with pytest.raises(CustodyError, match="keep one"):
        source({"ECERT_PASSPHRASE": "a", "ECERT_PASSPHRASE_FILE": "b"}).ask("x")


def test_a_passphrase_is_read_once_so_that_a_pipe_will_do() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"from a pipe\n")
    os.close(writing)
    piped = source({"ECERT_PASSPHRASE_FILE": f"/dev/fd/{reading}"})
    assert piped.ask("first") == piped.ask("second") == b"from a pipe"
    os.close(reading)


@pytest.mark.parametrize("passphrase", [b"eleven char", "十一个汉字不够十二个".encode(), b""])
def test_a_new_key_needs_twelve_characters_not_bytes(passphrase: bytes) -> None:
    with pytest.raises(CustodyError, match="12 characters"):
        require_strong(passphrase)


def test_twelve_characters_are_enough() -> None:
    assert require_strong("十二个汉字就足够了是不是".encode())


def test_a_passphrase_that_is_not_text_is_refused_for_a_new_key() -> None:
    with pytest.raises(CustodyError, match="UTF-8"):
        require_strong(b"\xff" * 20)


PROMPT = """
import sys
from ecert.errors import EcertError
from keys.passphrase import PassphraseSource
try:
    found = PassphraseSource({}, "ECERT_PASSPHRASE", "--passphrase-file").ask("region-440000", new=True)
except EcertError as error:
    sys.exit(f"refused {error}")
sys.exit(f"got {found.decode()}")
"""


def at_a_terminal(*entries: str) -> str:
    """Answer each prompt in turn at a pseudo-terminal, and return all that stood on the screen."""
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROMPT], cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    screen = b""
    for entry in entries:
        seen = len(screen)
        while not screen[seen:].endswith(b": "):
            screen += os.read(master, 1024)
        os.write(master, entry.encode() + b"\n")
    while True:
        try:
            screen += os.read(master, 1024)
        except OSError:  # the other end is closed
            break
    process.wait()
    os.close(master)
    return screen.decode()


def test_a_person_at_a_terminal_enters_a_new_passphrase_twice_and_it_is_not_shown() -> None:
    screen = at_a_terminal("correct horse battery", "correct horse battery")
    assert "passphrase of region-440000" in screen
    assert screen.count("correct horse battery") == 1  # what the program itself printed
    assert "got correct horse battery" in screen


def test_two_entries_that_differ_are_refused() -> None:
    assert "the two entries differ" in at_a_terminal("correct horse battery", "correct horse buttery")


def test_a_short_entry_is_refused_before_it_is_asked_again() -> None:
    assert "12 characters" in at_a_terminal("short")


def test_an_empty_entry_is_no_passphrase() -> None:
    assert "passphrase-missing" in at_a_terminal("")


def test_without_a_terminal_the_three_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123  (a device)
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(CustodyError) as caught:
            source().ask("region-440000")
    assert caught.value.reason is Reason.PASSPHRASE_MISSING
    for way in ("--passphrase-file", "ECERT_PASSPHRASE", "ECERT_PASSPHRASE_FILE", "terminal"):
        assert way in caught.value.detail
