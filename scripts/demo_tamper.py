"""What a forger, a careless scanner and a dishonest department could come up with, and what each must end in."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ecert import cbor, envelope
from ecert.cli.pixels import draw_png
from ecert.licence.face import decode_face, encode_face
from ecert.licence.record import DISCLOSED, MAX_RECORD
from ecert.licence.validity import Validity
from ecert.ofd.archive import write_package
from ecert.ofd.package import Package
from ecert.qr import decode_text, encode_text
from ecert.seal import Sealing
from ecert.sm2 import PrivateKey
from ecert.timestamp import read_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ecert.sm2 import Signer
    from ecert.trust import Registry

_PAGE = "Doc_0/Pages/Page_0/Content.xml"
_BAD = "invalid"

Case = tuple[str, bytes, str, str]
"""File name, content, outcome, reason."""


def write_cases(
    out: Path, *, text: str, record: bytes, host: str, registry: Registry, insider: Signer, status_file: Path
) -> dict[str, dict[str, str]]:
    """Write every case into a folder; return file name → outcome and reason.

    Args:
        out: The folder.
        text: Text of a valid licence's code.
        record: The same licence's record.
        host: Portal host.
        registry: The registry windows hold.
        insider: The key of a registered department that may not issue business licences.
        status_file: A signed status list.
    """
    out.mkdir()
    expected: dict[str, dict[str, str]] = {}
    for name, content, outcome, reason in (
        *_codes(text, host, registry),
        *_records(record),
        *_forgers(text, host, insider),
    ):
        (out / name).write_bytes(content)
        expected[name] = {"outcome": outcome, "reason": reason}
    (out / "picture-without-code.png").write_bytes(_empty_picture())
    expected["picture-without-code.png"] = {"outcome": "invalid", "reason": "no-qr-in-image"}
    shutil.copy(status_file, out / "status-list-as-licence.bin")
    expected["status-list-as-licence.bin"] = {"outcome": "invalid", "reason": "record-malformed"}
    return expected


def _code(signed: envelope.Envelope, host: str) -> bytes:
    return encode_text(signed.encode(), host).encode() + b"\n"


def _codes(text: str, host: str, registry: Registry) -> Iterator[Case]:
    signed = envelope.decode(decode_text(text), limit=MAX_RECORD)
    key = registry.find(signed.key_id)
    assert key is not None  # noqa: S101  (the licence was just issued under this registry)
    face = decode_face(signed.payload, key.member.code)
    renamed = replace(face, holder_name="上海虚构冒名贸易有限公司")
    yield "code-holder-renamed.txt", _code(replace(signed, payload=encode_face(renamed)), host), "invalid", "seal-bad"
    longer = replace(face, validity=Validity(face.validity.start, (face.sealed_at + timedelta(days=36500)).date()))
    yield "code-validity-extended.txt", _code(replace(signed, payload=encode_face(longer)), host), "invalid", "seal-bad"
    flipped = signed.signature[:-1] + bytes((signed.signature[-1] ^ 1,))
    yield "code-signature-changed.txt", _code(replace(signed, signature=flipped), host), "invalid", "seal-bad"
    other = next(k.public_key.key_id for k in registry.keys() if k.public_key.key_id != signed.key_id)  # noqa: SIM118
    yield "code-other-issuer-claimed.txt", _code(replace(signed, key_id=other), host), "invalid", "seal-bad"
    yield "code-cut-short.txt", text[:-30].encode(), "invalid", "record-malformed"
    yield "code-characters-lost.txt", (text[:60] + text[61:]).encode(), "invalid", "text-damaged"
    yield "code-of-something-else.txt", b"https://zz.example/menu?table=7", "invalid", "not-a-licence-text"
    damaged = encode_text(decode_text(text) + b"\0", host)
    yield "code-with-trailing-byte.png", draw_png(damaged), "invalid", "record-malformed"


def _records(record: bytes) -> Iterator[Case]:
    signed = envelope.decode(record, limit=MAX_RECORD)
    header = cbor.decode(signed.unprotected, limit=MAX_RECORD, reason=envelope.Reason.RECORD_MALFORMED)
    assert isinstance(header, dict)  # noqa: S101
    items = header[DISCLOSED]
    assert isinstance(items, list)  # noqa: S101
    at = next(i for i, item in enumerate(items) if b"certificateNumber" in bytes(item))  # type: ignore[arg-type]
    salt, name, _ = cbor.decode(items[at], limit=4096, reason=envelope.Reason.RECORD_MALFORMED)  # type: ignore[arg-type,misc]
    altered = [*items[:at], cbor.encode([salt, name, "000000000"]), *items[at + 1 :]]
    changed = replace(signed, unprotected=cbor.encode({DISCLOSED: altered}))
    yield "record-field-altered.bin", changed.encode(), "invalid", "field-digest-mismatch"
    reordered = replace(signed, unprotected=cbor.encode({DISCLOSED: items[::-1]}))
    yield "record-fields-reordered.bin", reordered.encode(), "invalid", "record-malformed"
    yield "record-cut-short.bin", record[:-9], "invalid", "record-malformed"
    middle = record.index(signed.payload) + 40
    yield (
        "record-byte-changed.bin",
        record[:middle] + bytes((record[middle] ^ 1,)) + record[middle + 1 :],
        "invalid",
        "seal-bad",
    )


def _forgers(text: str, host: str, insider: Signer) -> Iterator[Case]:
    signed = envelope.decode(decode_text(text), limit=MAX_RECORD)
    stranger = envelope.seal(envelope.Kind.FACE, signed.payload, PrivateKey.generate())
    yield "code-of-unknown-key.txt", _code(stranger, host), "undetermined", "issuer-unknown"
    beyond = envelope.seal(envelope.Kind.FACE, signed.payload, insider)
    yield "code-beyond-entitlement.txt", _code(beyond, host), "invalid", "issuer-not-entitled"


def _empty_picture() -> bytes:
    import io  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    out = io.BytesIO()
    Image.new("L", (200, 200), "white").save(out, "PNG")
    return out.getvalue()


def write_attacks(out: Path, published: Path, *, old_timestamp: bytes, bundle: Path) -> dict[str, str]:
    """Write what a dishonest or broken source could offer a window: folder or file → the reason it is refused for.

    Args:
        out: The folder for them.
        published: What is published now; the window holds something older.
        old_timestamp: Of a registry older than what the window holds.
        bundle: An offline bundle.
    """
    cases: dict[str, str] = {}

    def case(name: str, reason: str) -> Path:
        cases[name] = reason
        shutil.copytree(published, out / name)
        return out / name / "registry" / "metadata"

    out.mkdir()
    (case("registry-rolled-back", "registry-rollback") / "timestamp.json").write_bytes(old_timestamp)
    snapshots = sorted(case("snapshot-of-another-time", "registry-mixed").glob("*.snapshot.json"), key=_version)
    shutil.copy(snapshots[0], snapshots[-1])
    timestamp = case("timestamp-forged", "registry-signature-bad") / "timestamp.json"
    content = json.loads(timestamp.read_bytes())
    content["signed"]["version"] += 1
    timestamp.write_text(json.dumps(content), "utf-8")
    (case("registry-without-end", "too-large") / "timestamp.json").write_bytes(b"[" * 100_000)
    status = case("status-of-another-region", "status-foreign").parents[1] / "status"
    shutil.rmtree(status / "440000" / "deltas")
    shutil.copy(status / "310000" / "snapshot.bin", status / "440000" / "snapshot.bin")
    (status / "440000" / "head.json").write_text('{"sequence": 9999, "snapshot": 9999}', "ascii")
    (out / "bundle-cut-short.bin").write_bytes(bundle.read_bytes()[:-7])
    cases["bundle-cut-short.bin"] = "data-malformed"
    return cases


def _version(path: Path) -> int:
    return int(path.name.split(".")[0])


def file_cases(original: bytes, other: bytes) -> Iterator[Case]:
    """Yield what somebody without the issuer's key could make of a licence's file.

    Args:
        original: The file.
        other: Another department's file.
    """
    parts, others = dict(Package.read(original).parts), Package.read(other).parts
    page = parts[_PAGE]
    changed = {**parts, _PAGE: page.replace("样".encode(), "冒".encode(), 1)}
    yield "file-page-text-changed.ofd", _file(changed), _BAD, "file-part-changed"
    seal = next(name for name in parts if name.endswith("Seal.esl"))
    yield "file-seal-swapped.ofd", _file({**parts, seal: others[seal]}), _BAD, "file-part-changed"
    note = "Doc_0/Annots/Annotations.xml"
    added = {**parts, note: b'<ofd:Annotations xmlns:ofd="http://www.ofdspec.org/2016"/>'}
    yield "file-part-added-uncovered.ofd", _file(added), _BAD, "file-part-unprotected"
    unsigned = {name: part for name, part in parts.items() if not name.startswith("Doc_0/Signs/")}
    root = re.sub(rb"<ofd:Signatures>[^<]*</ofd:Signatures>", b"", parts["OFD.xml"])
    yield "file-signature-removed.ofd", _file({**unsigned, "OFD.xml": root}), _BAD, "file-unsigned"
    value = next(name for name in parts if name.endswith("SignedValue.dat"))
    token = Sealing.decode(parts[value]).time_stamp or b""
    at = token.index(read_token(token)[0].time.strftime("%Y%m%d").encode())
    earlier = token[:at] + b"2020" + token[at + 4 :]
    backdated = {**parts, value: parts[value].replace(token, earlier)}
    yield "file-timestamp-altered.ofd", _file(backdated), _BAD, "timestamp-signature-bad"
    yield "file-cut-short.ofd", original[:-100], _BAD, "file-damaged"


def _file(parts: dict[str, bytes]) -> bytes:
    return write_package(Package.of(parts), datetime(2026, 1, 1, tzinfo=UTC))
