"""The signing agent in a process of its own: what it signs, for whom, how often, and what it writes down."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ecert import cbor, envelope
from ecert.errors import CustodyError, EcertError, Reason
from ecert.sm2 import sm3
from ecert.web import agent_wire as wire
from ecert.web.agent_client import Agent, open_agent_signer
from keys.agent.approvals import Approval, day_of, seal_approval
from keys.signer import load_signer
from tests.agency import ME, ROOT, Agency, environment, until
from tests.keys.conftest import nobody

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ecert.sm2 import PrivateKey


def tbs(key: PrivateKey, payload: bytes = b"", kind: envelope.Kind = envelope.Kind.RECORD) -> bytes:
    return envelope.to_be_signed(kind, key.public_key.key_id, payload)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agency]:
    """One agent for tests that leave it as it was."""
    agency = Agency(tmp_path_factory.mktemp("agent") / "agent")
    agency.add("market", kinds=["record", "face"])
    agency.add("theirs", clients=["nobody"])
    agency.start()
    yield agency
    assert agency.stop() == 0


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    """An agent that the test starts."""
    agency = Agency(tmp_path / "agent")
    yield agency
    agency.stop()


def refused(work: object, *arguments: object) -> EcertError:
    assert callable(work)
    with pytest.raises(EcertError) as caught:
        work(*arguments)
    return caught.value


def test_a_key_of_the_agent_signs_like_one_in_a_file(shared: Agency) -> None:
    key = shared.keys["market"]
    signer = load_signer(shared.uri("market"), passphrase=nobody)
    assert signer.public_key == key.public_key
    for kind in (envelope.Kind.RECORD, envelope.Kind.FACE):
        key.public_key.verify(signer.sign(tbs(key, b"a", kind)), tbs(key, b"a", kind))


def test_many_texts_are_signed_in_one_request_each_with_its_own_signature(shared: Agency) -> None:
    key, signer = shared.keys["market"], shared.signer("market")
    contents = [(envelope.Kind.RECORD, bytes([number % 256]), b"\xa0") for number in range(wire.MAX_BATCH + 3)]
    sealed = envelope.seal_all(contents, signer)
    assert [one.payload for one in sealed] == [payload for _, payload, _ in contents]
    for one in sealed[::100]:
        one.verify(key.public_key)


def test_a_text_of_a_kind_that_the_policy_does_not_name_is_refused(shared: Agency) -> None:
    key, signer = shared.keys["market"], shared.signer("market")
    error = refused(signer.sign, tbs(key, kind=envelope.Kind.STATUS_SNAPSHOT))
    assert error.reason is Reason.AGENT_KIND_REFUSED
    assert "status-snapshot" in error.detail


def test_one_refused_text_among_many_refuses_them_all(shared: Agency) -> None:
    key, signer = shared.keys["market"], shared.signer("market")
    error = refused(signer.sign_many, [tbs(key), tbs(key, kind=envelope.Kind.ISSUED_HEAD), tbs(key)])
    assert error.reason is Reason.AGENT_KIND_REFUSED


@pytest.mark.parametrize("text", [b"", b"anything at all", b"\x84", b"\x30\x00", b"{}", b"e.e", b'"@method": GET\n'])
def test_a_text_that_is_nothing_known_is_refused(shared: Agency, text: bytes) -> None:
    assert refused(shared.signer("market").sign, text).reason is Reason.AGENT_KIND_REFUSED


def test_a_text_that_names_another_key_is_refused(shared: Agency) -> None:
    error = refused(shared.signer("market").sign, tbs(shared.keys["theirs"]))
    assert error.reason is Reason.AGENT_KIND_REFUSED


def test_a_key_of_others_is_refused_and_an_unknown_one_is_not_there(shared: Agency) -> None:
    assert refused(shared.signer, "theirs").reason is Reason.AGENT_CALLER_REFUSED
    assert refused(shared.signer, "none").reason is Reason.KEY_NOT_FOUND


@pytest.mark.parametrize("uri", ["agent:", "agent:/run/x", "agent:x.sock#a", "agent:/x#A", "agent:/x#a#b", "agent:/x#"])
def test_what_names_no_key_of_an_agent_says_how_one_is_named(uri: str) -> None:
    error = refused(open_agent_signer, uri)
    assert error.reason is Reason.USAGE
    assert "agent:/path/to.sock#name" in error.detail


def test_a_user_that_the_policy_does_not_name_is_turned_away(agency: Agency) -> None:
    agency.add("market")
    agency.tables["clients"] = {"api": [4_000_001]}
    agency.start()
    began = time.monotonic()
    error = refused(agency.signer, "market")
    assert error.reason is Reason.AGENT_CALLER_REFUSED
    assert time.monotonic() - began < 5
    agency.stop()
    shown = agency.command("audit", "show", "--policy", agency.policy).stdout
    assert f"uid/{ME}\tconnect\tuid/{ME}\tagent-caller-refused" in shown


def test_the_socket_is_for_its_owner_alone_and_its_folder_must_be_too(agency: Agency) -> None:
    agency.add("market")
    agency.start()
    assert stat.S_IMODE(agency.socket.stat().st_mode) == 0o600
    agency.stop()
    assert not agency.socket.exists()
    agency.folder.chmod(0o777)
    told = agency.command("serve", "--socket", agency.socket, "--policy", agency.policy)
    assert told.returncode == 1
    assert "key-file-exposed" in told.stderr


def test_a_policy_that_others_may_write_is_not_followed(agency: Agency) -> None:
    agency.add("market")
    agency.write_policy()
    agency.policy.chmod(0o666)
    told = agency.command("serve", "--socket", agency.socket, "--policy", agency.policy)
    assert "key-file-exposed" in told.stderr


def test_no_more_are_signed_in_a_minute_than_the_policy_says(agency: Agency) -> None:
    key = agency.add("market", per_minute=5)
    agency.start()
    signer = agency.signer("market")
    _begin_of_a_minute()
    signer.sign_many([tbs(key)] * 4)
    assert refused(signer.sign_many, [tbs(key)] * 2).reason is Reason.AGENT_RATE_EXCEEDED
    signer.sign(tbs(key))
    assert refused(signer.sign, tbs(key)).reason is Reason.AGENT_RATE_EXCEEDED


def test_what_was_signed_today_is_remembered_by_an_agent_that_was_killed(agency: Agency) -> None:
    key = agency.add("market", kinds=["record", "face"], per_day=10)
    agency.start()
    _begin_of_a_minute()
    agency.signer("market").sign_many([tbs(key)] * 7)
    agency.restart(signal.SIGKILL)
    signer = agency.signer("market")
    error = refused(signer.sign_many, [tbs(key)] * 4)
    assert error.reason is Reason.AGENT_RATE_EXCEEDED
    assert "10" in error.detail
    signer.sign_many([tbs(key)] * 3)
    signer.sign_many([tbs(key, kind=envelope.Kind.FACE)] * 10)


def _begin_of_a_minute() -> None:
    """Wait where a minute, and perhaps a day, is about to end."""
    until(lambda: time.time() % 60 < 50)


@pytest.fixture
def four_eyes(agency: Agency) -> Agency:
    agency.add("market", alone_per_day=3, approvers=["zhang"])
    zhang, other = agency.make_key("zhang"), agency.make_key("li")
    agency.tables["approvers"] = {"zhang": zhang.public_key.point.hex(), "li": other.public_key.point.hex()}
    agency.start()
    return agency


def test_beyond_what_one_may_sign_alone_a_second_person_approves(four_eyes: Agency) -> None:
    agency, key = four_eyes, four_eyes.keys["market"]
    _begin_of_a_minute()
    signer = agency.signer("market")
    signer.sign_many([tbs(key)] * 3)
    error = refused(signer.sign, tbs(key))
    assert error.reason is Reason.AGENT_APPROVAL_NEEDED
    assert "python -m keys approve market" in error.detail
    approve = ("approve", "market", "--count", "2", "--socket", agency.socket, "--key")
    told = agency.command(*approve, agency.folder / "li.pem")
    assert (told.returncode, "agent-approval-bad" in told.stderr) == (1, True)
    told = agency.command(*approve, agency.folder / "zhang.pem")
    assert told.returncode == 0, told.stderr
    assert "record 3" in told.stderr
    signer.sign_many([tbs(key)] * 2)
    assert refused(signer.sign, tbs(key)).reason is Reason.AGENT_APPROVAL_NEEDED
    agency.command(*approve, agency.folder / "zhang.pem")
    agency.restart(signal.SIGKILL)
    signer.sign_many([tbs(key)] * 2)
    assert refused(signer.sign, tbs(key)).reason is Reason.AGENT_APPROVAL_NEEDED


def test_an_approval_counts_once_for_one_key_on_one_day(four_eyes: Agency) -> None:
    agency, zhang = four_eyes, four_eyes.keys["zhang"]
    _begin_of_a_minute()
    key_id, agent = agency.keys["market"].public_key.key_id, Agent(str(agency.socket))
    today = day_of(datetime.now(UTC))
    good = seal_approval(Approval(key_id, today, 5), zhang)
    assert [agent.ask("approve", "market", good) for _ in range(2)] == [5, 5]
    for wrong in (Approval(key_id, "2026-01-01", 5), Approval(bytes(8), today, 5)):
        error = refused(agent.ask, "approve", "market", seal_approval(wrong, zhang))
        assert error.reason is Reason.AGENT_APPROVAL_BAD
    for at in range(0, len(good), 7):
        altered = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        assert refused(agent.ask, "approve", "market", altered).reason is Reason.AGENT_APPROVAL_BAD
    assert agent.ask("approve", "market", good) == 5


def test_an_agent_never_signs_an_approval(agency: Agency) -> None:
    key = agency.add("market")
    agency.start()
    error = refused(agency.signer("market").sign, tbs(key, kind=envelope.Kind.AGENT_APPROVAL))
    assert error.reason is Reason.AGENT_KIND_REFUSED


def test_whoever_approves_has_a_key_that_the_agent_does_not_hold(agency: Agency) -> None:
    key = agency.add("market", alone_per_day=3, approvers=["zhang"])
    agency.tables["approvers"] = {"zhang": key.public_key.point.hex()}
    agency.write_policy()
    told = agency.command("serve", "--socket", agency.socket, "--policy", agency.policy)
    assert (told.returncode, "zhang" in told.stderr) == (1, True)


def connect(agency: Agency) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(15)
    connection.connect(str(agency.socket))
    return connection


def reply(connection: socket.socket) -> cbor.Value:
    until = time.monotonic() + 15
    return wire.receive_content(connection, wire.receive_length(connection, until=until), until=until)


def frame(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


@pytest.mark.parametrize(
    "content",
    [
        b"\xff" * 40,
        b"GET / HTTP/1.1\r\n\r\n",
        cbor.encode(["sign"])[:-1],
        cbor.encode(["open", "market"]) + b"\x00",
        b"\x82\x78\x04open\x66market",
        b"\x9f" * 1000,
        b"\x98\xff" * 1000,
        cbor.encode([None] * 5000),
    ],
)
def test_garbage_is_answered_and_ends_the_connection(shared: Agency, content: bytes) -> None:
    with connect(shared) as connection:
        connection.sendall(frame(content))
        answer = reply(connection)
        assert isinstance(answer, list)
        assert answer[0] in (Reason.AGENT_REQUEST_MALFORMED, Reason.TOO_LARGE)
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "request_",
    [
        [],
        ["open"],
        ["open", 1],
        ["open", "market", "more"],
        ["destroy", "market"],
        ["sign", "market", b"12345678", [1]],
        ["sign", "market", b"12345678", []],
        ["sign", "market", b"12345678", [b"x"] * (wire.MAX_BATCH + 1)],
        {"open": "market"},
        "open",
    ],
)
def test_a_request_of_another_form_is_refused_and_the_connection_goes_on(shared: Agency, request_: cbor.Value) -> None:
    with connect(shared) as connection:
        wire.send(connection, request_, until=time.monotonic() + 5)
        answer = reply(connection)
        assert isinstance(answer, list)
        assert answer[0] == Reason.AGENT_REQUEST_MALFORMED
        wire.send(connection, ["open", "market"], until=time.monotonic() + 5)
        assert reply(connection) == [None, shared.keys["market"].public_key.point]


@pytest.mark.parametrize("length", [0, wire.MAX_FRAME + 1, 2**32 - 1])
def test_a_frame_of_no_possible_length_is_refused_before_it_is_read(shared: Agency, length: int) -> None:
    with connect(shared) as connection:
        connection.sendall(length.to_bytes(4, "big"))
        answer = reply(connection)
        assert isinstance(answer, list)
        assert answer[0] == Reason.TOO_LARGE


def test_texts_larger_than_what_is_taken_side_by_side_are_signed_one_after_the_other(agency: Agency) -> None:
    key = agency.add("status", kinds=["status-snapshot"])
    agency.start()
    text = tbs(key, bytes(2 * wire.SMALL_FRAME), envelope.Kind.STATUS_SNAPSHOT)
    small = tbs(key, b"x", envelope.Kind.STATUS_SNAPSHOT)
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda _: agency.signer("status").sign_many([small, text, small]), range(3)))
    for signatures in made:
        for signature, message in zip(signatures, (small, text, small), strict=True):
            key.public_key.verify(signature, message)


def test_a_client_sends_nothing_that_is_too_long(shared: Agency) -> None:
    assert refused(shared.signer("market").sign, bytes(wire.MAX_FRAME)).reason is Reason.TOO_LARGE


def test_slow_and_silent_clients_hold_nobody_else_up_and_are_let_go(shared: Agency) -> None:
    slow = [connect(shared) for _ in range(20)]
    for connection in slow:
        connection.sendall(frame(bytes(1000))[:500])
    began = time.monotonic()
    key = shared.keys["market"]
    shared.signer("market").sign(tbs(key))
    assert time.monotonic() - began < 5
    for connection in slow:
        with connection:
            assert connection.recv(1) == b""
    assert time.monotonic() - began > 8


def test_a_user_with_too_many_connections_is_told_and_others_have_room(shared: Agency) -> None:
    held = [connect(shared) for _ in range(120)]
    answers = []
    for connection in held[-10:]:
        answer = reply(connection)
        assert isinstance(answer, list)
        answers.append(answer[0])
    assert answers == [Reason.AGENT_RATE_EXCEEDED] * 10
    for connection in held:
        connection.close()
    until(lambda: _signs(shared))


def _signs(agency: Agency) -> bool:
    try:
        agency.signer("market")
    except CustodyError:
        return False
    return True


def test_many_clients_at_once_are_all_served_and_all_written_down(agency: Agency) -> None:
    key = agency.add("market")
    agency.start()
    signer = agency.signer("market")

    def work(number: int) -> None:
        for count in range(10):
            text = tbs(key, f"{number}/{count}".encode())
            key.public_key.verify(signer.sign(text), text)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    agency.stop()
    told = agency.command("audit", "verify", "--policy", agency.policy, "--json")
    assert json.loads(told.stdout) == {"entries": 160, "signed": 160}


def test_a_client_goes_on_with_an_agent_that_was_killed_and_started_again(agency: Agency) -> None:
    key = agency.add("market")
    agency.start()
    signer, signed, failed, ended = agency.signer("market"), [0], [0], threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                signer.sign(tbs(key))
                signed[0] += 1
            except CustodyError:
                failed[0] += 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        before = signed[0]
        until(lambda before=before: signed[0] > before + 20)
        agency.restart(signal.SIGKILL)
    before = signed[0]
    until(lambda: signed[0] > before + 20)
    ended.set()
    for thread in threads:
        thread.join()
    assert failed == [0]
    agency.stop()
    told = agency.command("audit", "verify", "--policy", agency.policy, "--json")
    assert json.loads(told.stdout)["entries"] >= signed[0]


def test_where_no_agent_is_the_wait_is_bounded_and_the_error_says_so(agency: Agency) -> None:
    began = time.monotonic()
    error = refused(lambda: open_agent_signer(agency.uri("market"), patience=0.5))
    assert error.reason is Reason.AGENT_UNREACHABLE
    assert str(agency.socket) in error.detail
    assert time.monotonic() - began < 2


def test_an_agent_that_hangs_does_not_hold_its_client_for_ever(agency: Agency) -> None:
    key = agency.add("market")
    agency.start()
    signer = agency.signer("market", patience=1)
    assert agency.process is not None
    agency.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    assert refused(signer.sign, tbs(key)).reason is Reason.AGENT_UNREACHABLE
    assert time.monotonic() - began < 4
    agency.process.send_signal(signal.SIGCONT)
    signer.sign(tbs(key))


def test_a_key_that_was_replaced_under_its_name_is_not_used_unnoticed(agency: Agency) -> None:
    key = agency.add("market")
    agency.start()
    signer = agency.signer("market")
    agency.stop()
    agency.make_key("market")
    agency.start()
    assert refused(signer.sign, tbs(key)).reason is Reason.KEY_MISMATCH


def test_two_agents_do_not_share_a_socket_or_a_log(agency: Agency) -> None:
    agency.add("market")
    agency.start()
    told = agency.command("serve", "--socket", agency.socket, "--policy", agency.policy)
    assert (told.returncode, "another agent" in told.stderr) == (1, True)
    agency.signer("market")


def test_the_log_says_who_had_what_signed_and_what_was_refused_once_a_minute(agency: Agency) -> None:
    key = agency.add("market")
    agency.start()
    signer, texts = agency.signer("market"), [tbs(key, b"1"), tbs(key, b"2")]
    _begin_of_a_minute()
    signer.sign_many(texts)
    for _ in range(5):
        refused(signer.sign, b"garbage")
    shown = agency.command("audit", "show", "--policy", agency.policy).stdout.splitlines()
    assert len(shown) == 2
    assert f"api/{ME}\tsign\tmarket\tok\t" in shown[0]
    assert sm3(sm3(texts[0]) + sm3(texts[1])).hex() in shown[0]
    assert "'record': 2" in shown[0]
    assert f"api/{ME}\tsign\tmarket\tagent-kind-refused" in shown[1]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Agency:
    """An agent that has signed, was stopped, signed more, and was stopped again."""
    agency = Agency(tmp_path_factory.mktemp("written") / "agent")
    key = agency.add("market")
    for _ in range(2):
        agency.start()
        signer = agency.signer("market")
        for number in range(4):
            signer.sign(tbs(key, bytes([number])))
        agency.stop()
    return agency


def verified(agency: Agency, log: bytes, heads: bytes) -> subprocess.CompletedProcess[str]:
    heads_file = agency.log.with_name(f"{agency.log.name}.heads")
    before = agency.log.read_bytes(), heads_file.read_bytes()
    agency.log.write_bytes(log)
    heads_file.write_bytes(heads)
    try:
        return agency.command("audit", "verify", "--policy", agency.policy)
    finally:
        agency.log.write_bytes(before[0])
        heads_file.write_bytes(before[1])


def test_whatever_is_done_to_the_log_is_found(written: Agency) -> None:
    log, heads = written.log.read_bytes(), written.log.with_name("agent.log.heads").read_bytes()
    pieces, rest = [], log
    while rest:
        length = 2 + int.from_bytes(rest[:2], "big")
        pieces.append(rest[:length])
        rest = rest[length:]
    assert len(pieces) == 8
    assert verified(written, log, heads).stdout == "8\t8\n"
    tampered = {
        "a byte changed": log.replace(b"market", b"markat", 1),
        "an entry removed": b"".join(pieces[:3] + pieces[4:]),
        "two entries exchanged": b"".join([*pieces[:2], pieces[3], pieces[2], *pieces[4:]]),
        "the last one removed": b"".join(pieces[:-1]),
        "the last one changed": log[:-1] + bytes([log[-1] ^ 1]),
        "cut within the last one": log[:-3],
        "an entry put in": b"".join([*pieces[:2], pieces[1], *pieces[2:]]),
        "everything removed": b"",
    }
    for what, altered in tampered.items():
        told = verified(written, altered, heads)
        assert told.returncode == 1, what
        assert "audit-broken" in told.stderr or "audit-malformed" in told.stderr, what
    assert verified(written, log, heads[:60] + b"\x00" + heads[61:]).returncode == 1


def test_an_agent_does_not_go_on_with_a_log_that_was_altered(written: Agency) -> None:
    log = written.log.read_bytes()
    try:
        written.log.write_bytes(log.replace(b"market", b"markat", 1))
        told = written.command("serve", "--socket", written.socket, "--policy", written.policy)
        assert (told.returncode, "audit-broken" in told.stderr) == (1, True)
    finally:
        written.log.write_bytes(log)


def test_an_entry_cut_short_by_a_power_failure_is_taken_away(agency: Agency) -> None:
    key = agency.add("market")
    agency.start()
    agency.signer("market").sign(tbs(key))
    agency.stop(signal.SIGKILL)
    with agency.log.open("ab") as log:
        log.write(b"\x00\x80half an entry")
    agency.start()
    agency.signer("market").sign(tbs(key))
    agency.stop()
    assert agency.command("audit", "verify", "--policy", agency.policy).stdout == "2\t2\n"


def test_nothing_is_signed_that_cannot_be_written_down(agency: Agency) -> None:
    key = agency.add("market")
    agency.write_policy()
    script = (
        "import resource, sys; from keys.cli import run; "
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); run()"
    )
    options = ("serve", "--socket", str(agency.socket), "--policy", str(agency.policy))
    command = [sys.executable, "-c", script, *options]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        try:
            until(agency.socket.exists)
            signer = agency.signer("market")
            error = refused(lambda: [signer.sign(tbs(key)) for _ in range(30)])
            assert error.reason is Reason.INTERNAL
        finally:
            process.kill()
            process.communicate()
    agency.start()
    agency.signer("market").sign(tbs(key))


@pytest.mark.parametrize(
    ("table", "name", "value", "told"),
    [
        ("keys.market", "kinds", ["licence"], "licence"),
        ("keys.market", "kinds", [], "kinds"),
        ("keys.market", "clients", ["somebody"], "somebody"),
        ("keys.market", "per_minute", "many", "per_minute"),
        ("keys.market", "per_dya", 5, "per_dya"),
        ("keys.market", "alone_per_day", 5, "approvers"),
        ("clients", "api", ["root"], "api"),
        ("approvers", "zhang", "04", "zhang"),
        ("audit", "public_key", "00", "public_key"),
        ("keys.Market", "file", "x", "Market"),
        ("anything", "at", "all", "anything"),
    ],
)
def test_a_policy_with_a_mistake_is_refused_with_the_place(
    agency: Agency, table: str, name: str, value: object, told: str
) -> None:
    agency.add("market")
    agency.tables.setdefault(table, {})[name] = value
    agency.write_policy()
    said = agency.command("serve", "--socket", agency.socket, "--policy", agency.policy)
    assert said.returncode == 2
    assert told in said.stderr


def test_new_keys_are_made_once_and_named_by_their_public_part(agency: Agency, tmp_path: Path) -> None:
    file = tmp_path / "zhang.pem"
    told = agency.command("new-key", file)
    assert told.returncode == 0, told.stderr
    assert len(bytes.fromhex(told.stdout.strip())) == 65
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "key-exists" in agency.command("new-key", file).stderr
