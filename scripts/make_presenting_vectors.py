"""Writes docs/vectors/presenting.json anew: `.venv/bin/python scripts/make_presenting_vectors.py`.

It comes out the same at every run.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ecert.licence.identifier import Identifier
from ecert.presentation import AuthCode, Binding, DynamicCode, Offer, ShownLicence, read_code
from ecert.qr import encode_text

OUT = Path(__file__).parents[1] / "docs/vectors/presenting.json"
HOST = "zz.example"
TOKEN = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
LICENCE = Identifier("11100000000013127D001", "11440000DEMG100223", "0123456789ABCDEFGHIJ", 1)
BINDING = Binding("11310000DEMH10023M", LICENCE, "SH-SBK-01", "办理社会保障卡申领")
AT = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
Case = dict[str, Any]


def dynamic() -> list[Case]:
    """Return good dynamic codes and damaged ones."""
    good: list[Case] = []
    for name, region, token in (("guangdong", "440000", TOKEN), ("shanghai", "310000", bytes([255] * 16))):
        code = DynamicCode(region, token)
        given = {"host": HOST, "region": region, "token": token.hex(), "key": code.key.hex()}
        good.append({"name": name, "text": code.text(HOST), **given})
    text = str(good[0]["text"])
    bad = (
        ("one character misread", text[:-4] + ("0" if text[-4] != "0" else "1") + text[-3:], "text-damaged"),
        ("cut short", text[:-3], "text-damaged"),
        ("a wrong check", encode_text(bytes(19) + b"\x00\x00", HOST, "D"), "text-damaged"),
        ("an ordinary link", "https://zz.example/index.html", "not-a-licence-text"),
    )
    return good + [{"name": name, "text": text, "reason": reason} for name, text, reason in bad]


def kinds() -> list[Case]:
    """Return one text of each kind; what a face or an offline code carries is not looked at here."""
    texts = {
        "face": encode_text(b"\x84\x4e", HOST),
        "dynamic": DynamicCode("440000", TOKEN).text(HOST),
        "offline": encode_text(b"\x84\x4e", HOST, "O"),
    }
    return [
        {"name": name, "text": text, "kind": name, "bytes": read_code(text)[1].hex()} for name, text in texts.items()
    ]


def auth_codes() -> list[Case]:
    """Return one auth code with the use it is bound to, and with others."""
    code = AuthCode.draw(BINDING, lambda _: TOKEN).text
    bound = {
        "code": code, "random": TOKEN.hex(), "requester": BINDING.requester, "licence": LICENCE.text,
        "itemCode": BINDING.item_code, "purpose": BINDING.purpose,
    }  # fmt: skip
    others = {
        "another requester": {"requester": "11440000DEMG100223"},
        "a later version": {"licence": LICENCE.next_version().text},
        "another matter": {"itemCode": "SH-SBK-02"},
        "another purpose": {"purpose": "查询"},
    }
    cases = [{"name": "its own use", **bound, "bound": True}]
    return cases + [{"name": name, **bound, **change, "bound": False} for name, change in others.items()]


def offer() -> Case:
    """Return what a store keeps of a showing."""
    licences = (ShownLicence(LICENCE, ("certificateHolderCode", "certificateHolderName")),)
    made = Offer("account-1", "session-1", BINDING.purpose, licences, AT, AT + timedelta(seconds=60))
    return {"purpose": made.purpose, "licences": [LICENCE.text], "bytes": made.encode().hex()}


if __name__ == "__main__":
    vectors = {"kinds": kinds(), "dynamic": dynamic(), "authCodes": auth_codes(), "offer": offer()}
    OUT.write_text(json.dumps(vectors, ensure_ascii=False, indent=2) + "\n", "utf-8")
