"""`python -m api` as departments and publishers type it; what runs without end, in processes of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from api.cli import app
from api.folder import StatusFolder
from api.ledger import SqlLedger
from api.seals import SealBook
from ecert import envelope
from ecert.cli.entry import execute
from ecert.errors import EcertError
from ecert.licence.identifier import parse_identifier
from ecert.report import timestamp
from ecert.revocation import Flag, ReasonCode, State, load_answer
from ecert.revocation.issued import existed_by
from ecert.revocation.seal_list import SealEvent, SealState, load_seal_list
from ecert.sm2 import sm3
from tests.api.province import DEMO, GUANGDONG, SHANGHAI, Provinces, now
from tests.trust.country import ISSUERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecert.issuance import SealedLicence

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("ECERT_")}


def key_file(provinces: Provinces, name: str) -> str:
    path = provinces.folder / f"{name}.key.pem"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(provinces.country.keys[name].to_pem())
    return f"file:{path}"


def api(*arguments: object, code: int = 0) -> tuple[str, str]:
    """Run a command that ends, through the entry function of the real one: starting Python takes longer than it."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        ended = execute(app, list(map(str, arguments)))
    assert ended == code, (ended, out.getvalue(), err.getvalue())
    return out.getvalue(), err.getvalue()


def at(provinces: Provinces, region: str = GUANGDONG) -> tuple[object, ...]:
    return "--ledger", provinces.ledger(region), "--bundle", provinces.published


def signed(provinces: Provinces, region: str = GUANGDONG) -> tuple[object, ...]:
    return "--signer", key_file(provinces, f"status-{region}"), *at(provinces, region)


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        [sys.executable, "-m", "api", *map(str, arguments)],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def test_a_decision_with_everything_it_rests_on_reaches_the_published_folder(provinces: Provinces) -> None:
    licence = provinces.issue()
    out, _ = api("publish", *signed(provinces))
    assert out.startswith(f"{provinces.published}/status/{GUANGDONG}/snapshot.bin\tsequence 1\tfresh until ")
    until = now() + timedelta(days=10)
    api(
        *("revoke", licence.identifier.text, *at(provinces), "--state", "suspended", "--reason", "样例：配合调查"),
        *(
            "--reason-code",
            "under-investigation",
            "--legal-basis",
            "《样例条例》第一条",
            "--document",
            "样例〔2026〕1号",
        ),
        *("--until", timestamp(until)),
    )
    out, _ = api("publish", *signed(provinces), "--hours", 2, "--json")
    published = json.loads(out)
    assert (published["sequence"], published["changed"]) == (2, 1)
    provinces.now = now()
    assert provinces.mark(licence).state is State.SUSPENDED
    assert provinces.window().fresh_until - provinces.window().issued_at == timedelta(hours=2)
    with SqlLedger(provinces.ledger()) as book:
        (decision,) = book.history(licence.identifier)
    assert (decision.reason_code, decision.until) == (ReasonCode.UNDER_INVESTIGATION.value, until)
    assert (decision.legal_basis, decision.document) == ("《样例条例》第一条", "样例〔2026〕1号")
    api("revoke", licence.identifier.text, *at(provinces), "--state", "valid", "--reason", "样例：调查结束")
    api("publish", *signed(provinces))
    assert provinces.mark(licence).state is State.VALID


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--state", "gone", "--reason", "样例"), "choose one of"),
        (("--state", "revoked", "--reason", ""), "a reason must be given"),
        (("--state", "revoked", "--reason", "样" * 201), "at most 200"),
        (("--reason", "样例", "--document", "样" * 101), "at most 100"),
        (("--reason", "样例", "--legal-basis", "a\nb"), "printable"),
        (("--reason", "样例", "--until", "2027-01-01T00:00:00Z"), "only a suspended or inactive"),
        (("--state", "suspended", "--reason", "样例", "--until", "2020-01-01T00:00:00Z"), "after it takes effect"),
        (("--state", "suspended", "--reason", "样例", "--until", "2027-01-01"), "zone"),
        (("--reason", "样例", "--reason-code", "because"), "under-investigation"),
    ],
)
def test_a_decision_that_cannot_be_is_wrong_usage(provinces: Provinces, options: tuple[str, ...], said: str) -> None:
    licence = provinces.issue()
    _, err = api("revoke", licence.identifier.text, *at(provinces), *options, code=2)
    assert said in err
    with SqlLedger(provinces.ledger()) as book:
        assert book.history(licence.identifier) == ()


def test_a_signed_answer_says_what_was_the_case_on_a_day(provinces: Provinces) -> None:
    provinces.now -= timedelta(days=3)
    licence = provinces.issue()
    provinces.publish()
    provinces.now += timedelta(days=1)
    provinces.decide(licence, State.REVOKED)
    provinces.now = now()
    provinces.publish()
    out = provinces.folder / "answer.bin"
    for days, state in ((2.5, State.VALID), (1, State.REVOKED)):
        asked = now() - timedelta(days=days)
        options = (*signed(provinces), "--at", timestamp(asked), "--out", out)
        told, _ = api("answer", licence.identifier.text, *options, "--json")
        assert json.loads(told)["state"] == state.name.lower()
        answer = load_answer(out.read_bytes(), provinces.registry, now=datetime.now(UTC))
        assert (answer.identifier, answer.state) == (licence.identifier.text, state)
        assert answer.asked_at == asked
        assert (answer.event is not None) == (state is State.REVOKED)
    for asked in (now() - timedelta(days=30), now() + timedelta(days=1)):
        _, err = api("answer", licence.identifier.text, *options, "--at", timestamp(asked), code=2)
        assert "from its sealing" in err


def test_evidence_of_issuance_is_put_out_from_the_ledger(provinces: Provinces) -> None:
    licence = provinces.issue()
    ledger, out = ("--ledger", provinces.ledger()), ("--out", provinces.folder / "evidence.bin")
    _, err = api("evidence", licence.identifier.text, *ledger, *out, code=1)
    assert "publish" in err
    api("publish", *signed(provinces))
    api("evidence", licence.identifier.text, *ledger, *out)
    record = envelope.decode(licence.record, limit=1 << 20)
    proof = (provinces.folder / "evidence.bin").read_bytes()
    existed_by(proof, provinces.registry, key_id=record.key_id, record_digest=sm3(record.payload))


def test_seals_are_decided_about_and_published(provinces: Provinces) -> None:
    def decide(command: str, code: int = 0) -> None:
        options = ("--reason", "样例", "--document", "样例〔2026〕2号")
        api("seal", command, "44010600000001", *options, "--ledger", provinces.ledger(), code=code)

    decide("resume", 1)
    with SqlLedger(provinces.ledger()) as book:
        SealBook(book.database).decide("44010600000001", SealEvent(SealState.ACTIVE, now(), now(), "制作备案"))
    decide("suspend")
    decide("resume")
    decide("suspend")
    api("publish", *signed(provinces))
    file = provinces.published / "status" / GUANGDONG / "seals.bin"
    assert load_seal_list(file.read_bytes(), provinces.registry, now=now()).at("44010600000001", now()) is (
        SealState.SUSPENDED
    )
    decide("cancel")
    decide("resume", 1)


def test_a_child_of_another_regions_licence_is_followed_to_its_task_and_back(provinces: Provinces) -> None:
    rows = json.loads((DEMO / "food-business-licence.json").read_text("utf-8"))
    row = next(row for row in rows if row["certificateAreaCode"].startswith("44"))
    parent = provinces.issue("business-licence", SHANGHAI)
    file, record = provinces.folder / "application.json", provinces.folder / "parent.bin"
    file.write_text(json.dumps(row | {"parentIdentifiers": [parent.identifier.text]}), "utf-8")
    record.write_bytes(parent.record)
    issue = ("issue", file, "--signer", key_file(provinces, ISSUERS[GUANGDONG]), *at(provinces), "--json")
    _, err = api(*issue, "--out", provinces.folder / "out", code=1)
    assert "/parentIdentifiers/0" in err
    out, _ = api(*issue, "--out", provinces.folder / "out", "--parent", record)
    child = parse_identifier(json.loads(out)["identifier"])
    api("revoke", record, "--reason", "样例", *at(provinces, SHANGHAI))
    for region in (SHANGHAI, GUANGDONG):
        api("publish", *signed(provinces, region))
    out, _ = api("tasks", "--ledger", provinces.ledger(), "--json")
    task: dict[str, Any] = json.loads(out)
    assert (task["licence"], task["depends_on"], task["state"]) == (child.text, parent.identifier.text, "revoked")
    assert task["department"] == ISSUERS[GUANGDONG]
    with SqlLedger(provinces.ledger()) as book:
        intent = book.issued(child)
    provinces.now = now()
    assert provinces.window().mark(intent.key_id, intent.status).flags == Flag.PARENT_CHANGED
    api("tasks", "done", task["task"], "--ledger", provinces.ledger())
    api("tasks", "done", task["task"], "--ledger", provinces.ledger(), code=1)
    assert api("tasks", "--ledger", provinces.ledger())[0] == ""
    api("publish", *signed(provinces))
    assert provinces.window().mark(intent.key_id, intent.status).flags == Flag(0)


def test_windows_are_registered_and_their_receipts_listed(provinces: Provinces) -> None:
    ledger = ("--ledger", provinces.ledger())
    token = api("windows", "add", "一号窗口", *ledger)[0].strip()
    _, err = api("windows", "add", "一号窗口", *ledger, code=1)
    assert "already" in err
    assert token.encode() not in Path(provinces.ledger()).read_bytes()
    assert api("windows", "list", *ledger)[0] == ""
    provinces.issue()
    api("publish", *signed(provinces))
    said, _ = api("windows", "list", *ledger)
    assert "0 of 1 windows have status 440000 #1; 1 个落后 are behind, since " in said
    with free_port() as port, process("serve", "--published", provinces.published, *ledger, "--port", port):
        url = f"http://127.0.0.1:{port}"
        until_ready(url)
        body = {"registry": 1, "regions": {GUANGDONG: 1}, "at": timestamp(now())}
        answer = httpx2.post(f"{url}/api/v1/receipts", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 204
        deadline = time.monotonic() + 20
        while "1 of 1 windows" not in said and time.monotonic() < deadline:
            said, _ = api("windows", "list", *ledger)
    assert said == "1 个窗口中 1 个已有状态 440000 #1 · 1 of 1 windows have status 440000 #1\n"
    assert json.loads(api("windows", "list", *ledger, "--json")[0])["reached"] == 1


def test_a_service_that_cannot_work_says_so_before_it_listens(provinces: Provinces) -> None:
    ledger = ("--ledger", provinces.ledger())
    provinces.issue()
    _, err = api("serve", "--published", provinces.folder, *ledger, code=1)
    assert "registry-missing" in err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _, err = api("serve", "--published", provinces.published, *ledger, "--port", port, code=2)
    assert "cannot listen" in err
    api("serve", "--published", provinces.published, "--ledger", provinces.folder / "none.db", code=2)


@contextmanager
def free_port() -> Iterator[int]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    yield port


def until_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(httpx2.TransportError):
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the service does not become ready")


def until(provinces: Provinces, licence: SealedLicence, state: State) -> float:
    """Wait until the published folder says so; return the seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < 60:
        with suppress(EcertError, AssertionError):
            provinces.now = now()
            if provinces.mark(licence).state is state:
                return time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError("it was never published")


def test_a_watching_publisher_publishes_at_once_and_renews_the_freshness(provinces: Provinces) -> None:
    licence = provinces.issue()
    with process("publish", *signed(provinces), "--watch", 0.05, "--every", 1, "--json") as publisher:
        assert publisher.stdout is not None
        assert json.loads(publisher.stdout.readline())["sequence"] == 1
        assert json.loads(publisher.stdout.readline())["changed"] == 0
        provinces.now = now()
        provinces.decide(licence, State.REVOKED)
        until(provinces, licence, State.REVOKED)
        lines = (json.loads(line) for line in publisher.stdout)
        assert next(line for line in lines if line["changed"])["changed"] == 1
        assert publisher.poll() is None


def test_a_watching_publisher_goes_on_after_trouble_and_takes_up_a_new_registry(provinces: Provinces) -> None:
    licence = provinces.issue()
    with process("publish", *signed(provinces), "--watch", 0.05, "--every", 600) as publisher:
        assert publisher.stdout is not None
        publisher.stdout.readline()
        timestamp_file = provinces.published / "registry" / "metadata" / "timestamp.json"
        whole = timestamp_file.read_bytes()
        timestamp_file.write_bytes(b"{}")
        time.sleep(0.5)
        provinces.now = now()
        provinces.decide(licence, State.REVOKED)
        timestamp_file.write_bytes(whole)
        until(provinces, licence, State.REVOKED)
        assert publisher.poll() is None


def test_a_publisher_that_was_started_wrongly_ends_at_once(provinces: Provinces) -> None:
    wrong = ("--signer", key_file(provinces, ISSUERS[GUANGDONG]), *at(provinces))
    _, err = api("publish", *wrong, "--watch", 0.05, code=1)
    assert "key-mismatch" in err
    _, err = api("publish", *signed(provinces), "--hours", 1, "--watch", 0.05, "--every", 7200, code=2)
    assert "--every" in err


def test_a_publisher_killed_at_any_point_loses_nothing_and_never_tells_two_histories(provinces: Provinces) -> None:
    """Kill -9 again and again while departments decide; a window that saw everything must have seen one chain."""
    draw = random.Random(20261123)  # noqa: S311  (reproducible, not secret)
    licences = [provinces.issue() for _ in range(40)]
    seen: dict[int, bytes] = {}
    folder = StatusFolder(provinces.published, GUANGDONG)

    def observe() -> None:
        for file in (folder.path / "deltas").glob("[0-9]*.bin"):
            data = file.read_bytes()
            assert seen.setdefault(int(file.stem), data) == data, "two different deltas have the same number"

    watching = ("publish", *signed(provinces), "--watch", 0.02, "--every", 0.1)
    for turn in range(10):
        with process(*watching) as publisher:
            assert publisher.stdout is not None
            publisher.stdout.readline()
            for licence in licences[turn * 4 : turn * 4 + 4]:
                provinces.now = now()
                provinces.decide(licence, draw.choice([State.REVOKED, State.SUSPENDED]))
                time.sleep(draw.uniform(0, 0.06))
            publisher.send_signal(signal.SIGKILL)
        observe()
        if turn == 4:
            shutil.rmtree(folder.path)
    api("publish", *signed(provinces))
    observe()
    provinces.now = now()
    assert sorted(seen) == list(range(1, max(seen) + 1)), "a number was left out"
    window = provinces.window()
    with SqlLedger(provinces.ledger()) as book:
        for licence in licences:
            intent, (decision,) = book.issued(licence.identifier), book.history(licence.identifier)
            assert window.mark(intent.key_id, intent.status).state.value == decision.state
