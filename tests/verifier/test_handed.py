"""What a region's service answers about a code that was scanned for a verdict alone, read from hostile bytes."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from ecert.errors import Reason, UndeterminedError
from ecert.licence.face import MAX_FACE
from verifier.handed import MAX_LICENCES, read_showing

FACE = b"a sealed face"
ONE = {"face": b64encode(FACE).decode(), "record": None, "identifier": "an identifier"}
ANSWER: dict[str, Any] = {
    "purpose": "在窗口办理政务服务事项",
    "made_at": "2026-11-25T02:00:00Z",
    "taken_at": "2026-11-25T02:00:05Z",
    "licences": [ONE, ONE],
    "later": "what a later version adds",
}


def test_faces_purpose_and_time_are_read() -> None:
    showing = read_showing(json.dumps(ANSWER).encode())
    assert (showing.purpose, showing.faces) == (ANSWER["purpose"], (FACE, FACE))
    assert showing.made_at.isoformat() == "2026-11-25T02:00:00+00:00"


@pytest.mark.parametrize(
    "change",
    [
        {"licences": []},
        {"licences": [ONE] * (MAX_LICENCES + 1)},
        {"licences": [ONE | {"face": None}]},
        {"licences": [ONE | {"face": "no base64!"}]},
        {"licences": [ONE | {"face": b64encode(b"x" * (MAX_FACE + 3)).decode()}]},
        {"purpose": ""},
        {"purpose": 7},
        {"made_at": "2026-11-25T02:00:00"},
        {"made_at": "9999-12-31T23:59:59Z"},
    ],
    ids=["none", "too many", "no face", "no base64", "too long", "no purpose", "a number", "no zone", "no such time"],
)
def test_anything_else_cannot_be_used(change: dict[str, Any]) -> None:
    with pytest.raises(UndeterminedError) as refusal:
        read_showing(json.dumps(ANSWER | change).encode())
    assert refusal.value.reason is Reason.REGION_ANSWER_UNUSABLE
