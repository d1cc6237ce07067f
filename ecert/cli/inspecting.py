"""`ecert inspect`: what a code, record, OFD file, seal, signature value or receipt says. Nothing of it is verified."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ecert import cms, envelope
from ecert.cli import entry
from ecert.cli.options import JsonOption, SourceArgument
from ecert.cli.source import load_source
from ecert.errors import MalformedError
from ecert.licence.face import decode_face
from ecert.licence.record import MAX_RECORD, decode_record, read_fields
from ecert.ofd.content import read_attachments, read_metadata, read_record
from ecert.ofd.copies import read_note
from ecert.ofd.package import Package
from ecert.ofd.signatures import Listing, read_description, read_lists
from ecert.qr import decode_text
from ecert.receipt import MAX_RECEIPT, is_receipt, read_unsigned
from ecert.receipt.report import receipt_json
from ecert.receipt.sealing import read_payload
from ecert.report import timestamp
from ecert.seal import Seal, Sealing
from ecert.timestamp import read_token
from ecert.verification.files import FileKind, kind_of_file
from ecert.x509 import Certificate

_NOBODY: Final = "000000"
"""Stands for the issuer's code when a face is inspected: only the registry knows it."""


def inspect(source: SourceArgument, *, as_json: JsonOption = False) -> int:
    """查看内容，不核验 Show what a code or file says, without verifying any of it. Names are not masked."""
    found = _describe(load_source(source))
    entry.say("! 以下内容未经核验 Nothing below was verified")
    if as_json:
        entry.put(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for name, value in flatten(found):
            entry.put(f"{name:36} {value}")
    return entry.OK


def flatten(value: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of a JSON object, each with its path in dots."""
    rows: list[tuple[str, Any]] = []
    for name, item in value.items():
        inner = _numbered(item)
        rows += flatten(inner, f"{prefix}{name}.") if isinstance(inner, dict) else [(prefix + name, inner)]
    return rows


def _numbered(item: object) -> object:
    """Return a list of objects as an object with numbers for names; everything else as it is."""
    if isinstance(item, list) and any(isinstance(one, dict) for one in item):
        return {str(number): one for number, one in enumerate(item, start=1)}
    return item


def _describe(source: bytes | str) -> dict[str, Any]:
    data = decode_text(source) if isinstance(source, str) else source
    if is_receipt(data):
        return _receipt(data)
    kind = kind_of_file(data)
    if kind is None:
        return _licence(envelope.decode(data, limit=MAX_RECORD), len(data))
    return {"kind": kind.value, "bytes": len(data), **_READERS[kind](data)}


def _receipt(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": "receipt", "bytes": len(data)}
    unsigned = read_unsigned(data)
    if unsigned is not None:
        return found | {"signed": False} | receipt_json(unsigned)
    signed = envelope.decode(data, limit=MAX_RECEIPT)
    receipt, signed_at = read_payload(signed.payload)
    claimed = {"signed": True, "signed_at": timestamp(signed_at), "signer_key_id": signed.key_id.hex()}
    return found | claimed | receipt_json(receipt)


def _ofd(data: bytes) -> dict[str, Any]:
    package = Package.read(data)
    note, record = read_note(package), read_record(package)
    copy = None
    if note is not None:
        copy = {
            "creator": note.creator,
            "cause": note.cause,
            "expires": note.expires.isoformat(),
            "created": timestamp(note.created),
        }
    return {
        "parts": {name: len(part) for name, part in package.parts.items()},
        "metadata": read_metadata(package),
        "attachments": [
            {"name": one.name, "format": one.format, "bytes": len(one.data)} for one in read_attachments(package)
        ],
        "signatures": _signatures(package, read_lists(package).listings),
        "copy": copy,
        "record": None if record is None else _licence(envelope.decode(record, limit=MAX_RECORD), len(record)),
    }


def _signatures(package: Package, listings: Iterable[Listing]) -> list[dict[str, Any]]:
    return [{"id": one.id, "type": one.type.value, **_signature(package, one.part)} for one in listings]


def _signature(package: Package, part: str | None) -> dict[str, Any]:
    """Describe one signature; one that cannot be read is a finding, and the others are shown."""
    if part is None:
        return {"problem": "its description is not in the file"}
    try:
        description = read_description(package, part)
        claimed = description.claimed_time
        return {
            "provider": description.provider,
            "claimed_time": None if claimed is None else timestamp(claimed),
            "parts_protected": len(description.references),
            "stamps": [list(one.boundary) for one in description.stamps],
            "value": _value(package.parts[description.value]),
        }
    except MalformedError as error:
        return {"problem": str(error)}


def _value(data: bytes) -> dict[str, Any]:
    kind = kind_of_file(data)
    if kind is FileKind.SEALING:
        return {"kind": kind.value, **_sealing(Sealing.decode(data))}
    if kind is FileKind.SIGNED_DATA:
        return {"kind": kind.value, **_signed_data(cms.SignedData.decode(data))}
    return {"kind": None if kind is None else kind.value, "bytes": len(data)}


def _seal(seal: Seal) -> dict[str, Any]:
    info = seal.info
    return {
        "version": seal.version.name,
        "code": info.code,
        "name": info.name,
        "type": info.kind,
        "vendor": info.vendor,
        "created": timestamp(info.created),
        "not_before": timestamp(info.not_before),
        "not_after": timestamp(info.not_after),
        "picture": {
            "type": info.picture.kind,
            "bytes": len(info.picture.data),
            "width_mm": info.picture.width,
            "height_mm": info.picture.height,
        },
        "certificates": [_certificate(one) for one in info.certificates],
        "certificate_digests": [one.value.hex() for one in info.digests],
        "maker": _certificate(seal.maker_certificate),
        "algorithm": seal.algorithm,
        "time_stamp": _time_stamp(seal.time_stamp),
    }


def _sealing(sealing: Sealing) -> dict[str, Any]:
    return {
        "version": sealing.version.name,
        "time": None if sealing.time is None else timestamp(sealing.time),
        "data_hash": sealing.data_hash.hex(),
        "property": sealing.property_info,
        "algorithm": sealing.algorithm,
        "signer": _certificate(sealing.certificate),
        "time_stamp": _time_stamp(sealing.time_stamp),
        "seal": _seal(sealing.seal),
    }


def _time_stamp(token: bytes | None) -> dict[str, Any] | None:
    if token is None:
        return None
    info, _ = read_token(token)
    return {"time": timestamp(info.time), "serial": str(info.serial)}


def _signed_data(signed: cms.SignedData) -> dict[str, Any]:
    return {
        "signers": [
            {"algorithms": list(one.algorithms), "attributes": sorted(one.attributes)} for one in signed.signers
        ],
        "certificates": [_certificate(one) for one in signed.certificates],
    }


def _certificate(data: bytes) -> dict[str, Any]:
    try:
        read = Certificate.from_der(data)
    except MalformedError as error:
        return {"problem": str(error)}
    return {
        "subject": read.subject_text,
        "issuer": read.issuer_text,
        "serial": format(read.serial, "x"),
        "not_before": timestamp(read.not_before),
        "not_after": timestamp(read.not_after),
        "key_id": None if read.public_key is None else read.public_key.key_id.hex(),
    }


def _licence(signed: envelope.Envelope, size: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": signed.kind.name.lower(),
        "bytes": size,
        "algorithm": envelope.ALGORITHM,
        "key_id": signed.key_id.hex(),
        "signature": signed.signature.hex(),
    }
    if signed.kind is envelope.Kind.FACE:
        face = decode_face(signed.payload, _NOBODY)
        found["type_code"] = face.identifier.type_code
        found["serial"] = face.identifier.serial
        found["version"] = face.identifier.version
        found["holder_name"] = face.holder_name
        found["record_digest"] = face.record_digest.hex()
        return found | _common(face)
    if signed.kind is envelope.Kind.RECORD:
        record = decode_record(signed.payload)
        found["identifier"] = record.identifier.text
        found["area_code"] = record.area_code
        found["type_version"] = record.type_version
        found |= _common(record)
        found["fields"] = read_fields(signed.unprotected, record.digests)
        found["fields_withheld"] = len(record.digests) - len(found["fields"])
        return found
    return found


def _common(content: Any) -> dict[str, Any]:
    return {
        "sealed_at": timestamp(content.sealed_at),
        "valid_from": content.validity.start.isoformat(),
        "valid_to": content.validity.end.isoformat() if content.validity.end else None,
        "status_list": content.status.number,
        "status_index": content.status.index,
    }


_READERS: Final[Mapping[FileKind, Callable[[bytes], dict[str, Any]]]] = {
    FileKind.OFD: _ofd,
    FileKind.SEAL: lambda data: _seal(Seal.decode(data)),
    FileKind.SEALING: lambda data: _sealing(Sealing.decode(data)),
    FileKind.SIGNED_DATA: lambda data: _signed_data(cms.SignedData.decode(data)),
    FileKind.SIGNATURE: lambda data: {"value": data.hex()},
}
