"""The page without a network and the service say the same: on every licence that the tests of verification judge."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ecert.errors import MalformedError
from ecert.licence import face
from ecert.licence.face import MAX_FACE
from ecert.qr import encode_text
from ecert.revocation import State, StatusEvent
from ecert.verification import Outcome, Verdict, assess
from tests import world
from tests.browsing import chromium
from tests.world import HOST, OTHER, START, World, demo_application
from verifier import offline
from verifier.offline import UNCHECKED, encode_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from ecert.revocation import StatusView
    from ecert.trust import Registry

STATIC = Path(__file__).parents[2] / "verifier" / "static"
JUDGE = """async ([bundle, cases]) => {
    const { verify } = await import("/offline/verify.js");
    return cases.map(([text, now]) => {
        const { outcome, reason, checks, face } = verify(bundle, text, now);
        const steps = checks.map((one) => [one.result, one.code]);
        return [outcome, reason, steps, face?.identifier ?? null, face?.holder ?? null];
    });
}"""
SUITES = ("tests/core/test_verification.py", "tests/core/test_fast_reading.py")


class Cases:
    """What the other tests judge: for each registry and status, texts with the time and the verdict."""

    def __init__(self) -> None:
        self.held: dict[tuple[int, int], tuple[Registry | None, StatusView]] = {}
        self.cases: dict[tuple[int, int], list[tuple[str, float, Verdict]]] = {}

    def __call__(self, sealed: bytes | str, given: dict[str, Any], verdict: Verdict) -> None:
        later = given.get("now") not in (None, given["at"])
        if given.get("matter") or given.get("evidence") or later or not is_face(sealed):
            return
        text = sealed if isinstance(sealed, str) else encode_text(sealed, "zz.example")
        registry, status = given["registry"], given["status"]
        held = (id(registry), id(status))
        self.held[held] = (registry, status)
        self.cases.setdefault(held, []).append((text, given["at"].timestamp(), verdict))


def is_face(sealed: bytes | str) -> bool:
    """Tell whether something is a code's, for all that its beginning says; a record is no page's to judge."""
    return isinstance(sealed, str) or (len(sealed) <= MAX_FACE and b"application/vnd.ecert" not in sealed[:64])


def told(verdict: Verdict) -> list[Any]:
    content = verdict.content
    name = None if content is None else getattr(content, "holder_name", None)
    return [
        verdict.outcome.value,
        verdict.reason.value,
        [[check.result.value, check.code.value] for check in verdict.checks],
        None if content is None else content.identifier.text,
        name,
    ]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def modules() -> Iterator[str]:
    """Serve the page's modules."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(STATIC)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def cases() -> Cases:
    """Run the tests of verification, and watch."""
    found = Cases()
    world.WATCHERS.append(found)
    ended = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--no-header", *SUITES])
    world.WATCHERS.remove(found)
    assert ended == pytest.ExitCode.OK
    return found


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with modules() as address, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{address}/icon.svg")
        yield page


def require_agreement(page: Page, bundle: bytes, judged: list[tuple[str, float, Verdict]]) -> set[str]:
    """Have the page judge, and return the reasons on which both agree; what it cannot check it must not tell."""
    answers = page.evaluate(JUDGE, [json.loads(bundle), [(text, at) for text, at, _ in judged]])
    agreed = set()
    for (text, at, verdict), answer in zip(judged, answers, strict=True):
        if answer[1] == UNCHECKED:
            assert answer[0] == Outcome.UNDETERMINED, text
        else:
            assert answer == told(verdict), (text, at)
            agreed.add(verdict.reason.value)
    return agreed


def test_the_page_agrees_with_the_service_on_every_case(page: Page, cases: Cases) -> None:
    agreed: set[str] = set()
    for held, judged in cases.cases.items():
        agreed |= require_agreement(page, encode_bundle(*cases.held[held]), judged)
    assert len(agreed) >= 25, sorted(agreed)


def test_no_change_of_a_single_byte_is_valid_in_the_page_either(page: Page) -> None:
    country = World()
    licence, registry = country.issue(), country.registry()
    status = country.status(registry)
    altered = [bytes((*licence.face[:at], byte ^ 1, *licence.face[at + 1 :])) for at, byte in enumerate(licence.face)]
    texts = [encode_text(one, HOST) for one in (licence.face, *altered, licence.face[:-1], licence.face + b"\0")]
    judged = [
        (text, START.timestamp(), assess(text, registry=registry, status=status, at=START))
        for text in (
            *texts,
            texts[0].lower(),
            *(texts[0][:-cut] for cut in (1, 2, 3)),  # of which one is no whole number of bytes
            texts[0].replace("#", "/#"),
            "",
            "HTTPS://A/Z#00",
            "?" * 5000,
        )
    ]
    agreed = require_agreement(page, encode_bundle(registry, status), judged)
    assert {"ok", "seal-bad", "record-malformed", "issuer-unknown", "text-damaged", "too-large"} <= agreed
    assert [verdict.outcome for _, _, verdict in judged].count(Outcome.VALID) == 2


def test_a_region_that_does_not_fit_is_left_out_and_its_licences_cannot_be_told(page: Page) -> None:
    country = World()
    ours, theirs = country.issue(), country.issue(demo_application("business-licence", 2), OTHER)
    country.decide(ours, StatusEvent(State.REVOKED, START, START))
    registry = country.registry()
    status = country.status(registry)
    whole = json.loads(encode_bundle(registry, status))
    smaller = min(len(json.dumps(one, separators=(",", ":"))) for one in whole["regions"])
    cut = json.loads(encode_bundle(registry, status, smaller + 100))
    assert (whole["omitted"], cut["omitted"]) == ([], ["440000"])
    cases = [(one.text(HOST), START.timestamp()) for one in (ours, theirs)]
    told = [[answer[:2] for answer in page.evaluate(JUDGE, [bundle, cases])] for bundle in (whole, cut)]
    assert told == [[["invalid", "revoked"], ["valid", "ok"]], [["undetermined", "issuer-unknown"], ["valid", "ok"]]]


def test_marks_far_apart_are_found_again(page: Page) -> None:
    packed = offline._pack([(0, 7), (1, 8), (126, 1), (127, 2), (255, 3), (70_000, 0x18), (1_048_575, 7)])
    code = """async (marks) => {
        const { readMark } = await import("/offline/status.js");
        const status = { lists: [{ key: "k", number: 0, covered: 2 ** 20, marks }] };
        return [0, 1, 2, 126, 127, 128, 255, 69999, 70000, 1048575].map((index) => {
            const { state, flags, touched } = readMark(status, "k", { list: 0, index });
            return [state, flags, touched];
        });
    }"""
    untouched = [0, 0, False]
    assert page.evaluate(code, packed) == [
        [7, 0, True], [0, 0, True], untouched, [1, 0, True], [2, 0, True], untouched, [3, 0, True], untouched,
        [0, 1, True], [7, 0, True],
    ]  # fmt: skip


def test_names_are_read_as_the_service_reads_them(page: Page) -> None:
    """Every pair of bytes, and every four that begin a plane: the same text, the same refusal, or no answer."""
    pairs = [bytes((first, second)) for first in range(0x20, 0x100, 3) for second in range(0x30, 0x100)]
    fours = [
        bytes((first, 0x30, 0x81 + step, 0x30 + step % 10)) for first in range(0x81, 0xFF) for step in range(0, 90, 7)
    ]
    names = [
        *pairs,
        *fours,
        "王*例".encode("gb18030"),
        "𠀀㐂·a b".encode("gb18030"),
        b" a",
        "　".encode("gb18030"),
        b"\x80",
    ]
    code = """async (names) => {
        const { readName } = await import("/offline/gb18030.js");
        return names.map((hex) => {
            try {
                return readName(Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16)));
            } catch (error) {
                return [error.code];
            }
        });
    }"""
    answers = page.evaluate(code, [name.hex() for name in names])
    for name, answer in zip(names, answers, strict=True):
        if answer != [UNCHECKED]:
            assert answer == read_name(name), name.hex()
    assert sum(answer == [UNCHECKED] for answer in answers) < len(names) / 20


def read_name(name: bytes) -> str | list[str]:
    try:
        return face._decode_name(name)
    except MalformedError as error:
        return [error.reason.value]
