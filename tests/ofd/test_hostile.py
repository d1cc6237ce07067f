"""Small files made to cost much: every way to make a verifier read the same thing again and again."""

from __future__ import annotations

import time
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from ecert.errors import Reason
from ecert.ofd.verification import assess_ofd
from ecert.sm2 import sm3
from tests.seal.world import NOW, nobody

from .zips import Zip

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecert.ofd.verification import OfdReport

BOUND = 2.0
"""Seconds; an honest file takes some milliseconds."""
HEAD = '<ofd:{0} xmlns:ofd="http://www.ofdspec.org/2016">{1}</ofd:{0}>'
ROOT = HEAD.format(
    "OFD", "<ofd:DocBody><ofd:DocRoot>D.xml</ofd:DocRoot><ofd:Signatures>L</ofd:Signatures></ofd:DocBody>"
)
VALUE = b"\xff" * 64
MANY = 50_000


def packed(parts: dict[str, str | bytes]) -> bytes:
    made = Zip()
    for name, content in parts.items():
        made.add(name, content.encode() if isinstance(content, str) else content)
    return made.write()


def assess(parts: dict[str, str | bytes]) -> OfdReport:
    data = packed(parts)
    started = time.process_time()
    report = assess_ofd(data, validate=nobody, at=NOW)
    assert time.process_time() - started < BOUND
    assert report.error is not None
    return report


def listed(*names: str) -> str:
    return HEAD.format("Signatures", "".join(f'<ofd:Signature Type="Sign" BaseLoc="/{name}"/>' for name in names))


def reference(name: str, content: str) -> str:
    digest = b64encode(sm3(content.encode())).decode()
    return f'<ofd:Reference FileRef="/{name}"><ofd:CheckValue>{digest}</ofd:CheckValue></ofd:Reference>'


def description(references: str, more: str = "") -> str:
    info = f'<ofd:SignedInfo><ofd:References CheckMethod="SM3">{references}</ofd:References>{more}</ofd:SignedInfo>'
    return HEAD.format("Signature", f"{info}<ofd:SignedValue>/V</ofd:SignedValue>")


def chain(length: int, document: str) -> dict[str, str | bytes]:
    """Signatures each of which protects all before it, and none the document."""
    parts: dict[str, str | bytes] = {"OFD.xml": ROOT, "D.xml": document, "V": VALUE}
    references = reference("OFD.xml", ROOT)
    for number in range(length):
        name = f"S{number}"
        parts[name] = description(references)
        references += reference(name, str(parts[name]))
    return {**parts, "L": listed(*(f"S{number}" for number in range(length)))}


def pages(count: int, elements: int) -> dict[str, str | bytes]:
    """A document with large pages."""
    page = HEAD.format("Page", "<ofd:a/>" * elements)
    bases = "".join(f'<ofd:Page BaseLoc="P{number}"/>' for number in range(count))
    noise = {f"P{number}": page + f"<!-- {number} -->" for number in range(count)}
    return {**chain(2, HEAD.format("Document", bases)), **noise}


HOSTILE: dict[str, Callable[[], tuple[dict[str, str | bytes], Reason]]] = {
    "a chain of signatures over a long document": lambda: (
        chain(64, HEAD.format("Document", "<ofd:a/>" * MANY)),
        Reason.FILE_PART_UNPROTECTED,
    ),
    "more signatures than there may be": lambda: (chain(65, HEAD.format("Document", "")), Reason.FILE_UNSAFE),
    "documents by the thousand with one list": lambda: (
        {
            **chain(1, ""),
            "OFD.xml": ROOT.replace("<ofd:DocBody>", "<ofd:DocBody>" + "</ofd:DocBody><ofd:DocBody>" * MANY),
        },
        Reason.FILE_UNSAFE,
    ),
    "a long list of nothing": lambda: (
        {**chain(1, ""), "L": HEAD.format("Signatures", "<ofd:a/>" * MANY * 2)},
        Reason.FILE_UNSAFE,
    ),
    "one long description listed again and again": lambda: (
        {**chain(1, ""), "S0": description("<ofd:Reference/>" * MANY), "L": listed(*["S0"] * 64)},
        Reason.FILE_DAMAGED,
    ),
    "one description with many references listed again and again": lambda: (
        {**chain(1, ""), "S0": description(reference("OFD.xml", ROOT) * 4096), "L": listed(*["S0"] * 64)},
        Reason.FILE_PART_UNPROTECTED,
    ),
    "long descriptions, each its own": lambda: (
        {
            **chain(1, ""),
            **{f"S{number}": description("<ofd:a/>" * MANY, str(number)) for number in range(64)},
            "L": listed(*(f"S{number}" for number in range(64))),
        },
        Reason.FILE_DAMAGED,
    ),
    "a hundred large pages": lambda: (pages(100, 100_000), Reason.FILE_PART_UNPROTECTED),
    "seals shown by the thousand": lambda: (
        {**chain(1, ""), "S0": description(reference("OFD.xml", ROOT), "<ofd:StampAnnot/>" * 2000)},
        Reason.FILE_UNSAFE,
    ),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_file_made_to_cost_much_is_refused_soon(
    make: Callable[[], tuple[dict[str, str | bytes], Reason]],
) -> None:
    parts, reason = make()
    report = assess(parts)
    assert report.error is not None
    assert report.error.reason is reason


def test_documents_that_share_a_list_have_its_signatures_once() -> None:
    body = ROOT[ROOT.index("<ofd:DocBody>") : ROOT.index("</ofd:OFD>")]
    assert len(assess({**chain(3, ""), "OFD.xml": ROOT.replace(body, body * 5)}).signatures) == 3
