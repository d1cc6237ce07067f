"""The demonstration's stolen key: what evidence of issuance is good for, and what a forger gains by an old date."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from demo_commands import run
from demo_country import DEPARTMENTS, HOST
from demo_files import remake_seal

from ecert import envelope
from ecert.licence.face import decode_face, encode_face
from ecert.licence.record import MAX_RECORD
from ecert.qr import decode_text, encode_text
from keys.signer import load_signer

if TYPE_CHECKING:
    from pathlib import Path

    from demo_country import Department
    from demo_run import Demo


def compromise(demo: Demo, issued: list[tuple[Department, Path]]) -> None:
    """A department's key is stolen: what the region had on record before stays valid, a forgery dated back never is."""
    demo.chapter(
        "十 密钥泄露：有签发证据的仍有效，倒签的伪造永远不会有效",
        "10 A key is stolen: with evidence of issuance a licence stays valid, a forgery dated back never becomes so",
    )
    department = DEPARTMENTS[3]
    record = next(r for d, r in issued if d == department and not r.stem.startswith("business-licence"))
    evidence = demo.out / "evidence.bin"
    ledger = demo.ledger(department.region)
    run("api", "evidence", record, "--ledger", ledger, "--bundle", demo.published, "--out", evidence)
    common = ("--home", demo.home, "--passphrase-file", demo.passphrase)
    time.sleep(1.1)  # whole seconds: the theft comes after the head of the issued set
    run("keys", "rotate", f"department-{department.code}", "--compromised-at", "now", *common)
    run("keys", "registry", "sign", "--out", demo.published, *common)
    run("verifier", "update", demo.published, "--bundle", demo.bundle)
    without = demo.verdict(record, f"{record.stem}.stolen-key", outcome="undetermined", reason="issuer-key-compromised")
    demo.verdict(record, f"{record.stem}.with-evidence", outcome="valid", reason="ok", options=("--evidence", evidence))
    forged = demo.out / "backdated-forgery.txt"
    forged.write_text(backdated(demo, department, record), "ascii")
    demo.verdict(
        forged,
        "backdated-forgery",
        outcome="undetermined",
        reason="issuer-key-compromised",
        options=("--evidence", evidence),
    )
    remake_seal(demo, department)
    demo.record(
        "密钥泄露", "stolen key", f"无证据 without: {without['outcome']}; 有证据 with: valid; 倒签 forged: never"
    )


def backdated(demo: Demo, department: Department, record: Path) -> str:
    """Seal, with the stolen key, a code that claims to be as old as a genuine one."""
    old = next(demo.home.glob(f"department-{department.code}.*.key.pem"))
    thief = load_signer(f"file:{old}", passphrase=lambda: demo.passphrase.read_bytes().strip())
    genuine = envelope.decode(decode_text(record.with_suffix(".txt").read_text("ascii").strip()), limit=MAX_RECORD)
    face = replace(decode_face(genuine.payload, department.code), holder_name="上海虚构冒名贸易有限公司")
    return encode_text(envelope.seal(genuine.kind, encode_face(face), thief).encode(), HOST)
