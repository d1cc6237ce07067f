"""The `ecert` command: verify, inspect, render, doctor."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ecert import envelope
from ecert.cli import entry
from ecert.cli.bundle import load_bundle
from ecert.cli.files import read_bounded
from ecert.cli.render import render
from ecert.cli.source import load_source
from ecert.errors import CustodyError, EcertError, MalformedError, Reason, UndeterminedError
from ecert.licence.face import decode_face
from ecert.licence.record import MAX_RECORD, decode_record, read_fields
from ecert.licence.types import load_catalogue
from ecert.qr import decode_text
from ecert.report import answer_json, timestamp, verdict_json, verdict_text
from ecert.revocation import MAX_ANSWER, StatusView, load_answer
from ecert.sm2 import secret_engine, verify_engine
from ecert.verification import Outcome, assess

if TYPE_CHECKING:
    from datetime import datetime

    from ecert.trust import Registry

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="电子证照核验 Verify electronic licences.", rich_markup_mode=None
)

_EXIT: Final = {
    Outcome.VALID: entry.OK,
    Outcome.INVALID: entry.REFUSED,
    Outcome.UNDETERMINED: entry.CANNOT_TELL,
}
_NOBODY: Final = "000000"
"""Stands for the issuer's code when a face is inspected: only the registry knows it."""

_MAX_EVIDENCE: Final = 1024 * 1024

BundleOption = Annotated[
    Path | None,
    typer.Option(
        envvar="ECERT_BUNDLE",
        help="窗口目录，或离线包(旁有 root.json) Window's folder, or bundle file beside root.json",
    ),
]
SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="PATH|TEXT|-", help="记录文件、二维码图片、二维码文本，或 - 为标准输入 File, picture or text"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON Print JSON")]


@app.callback()
def _start() -> None:
    entry.start()


@app.command()
def verify(
    source: SourceArgument,
    *,
    bundle: BundleOption = None,
    at: Annotated[str | None, typer.Option(help="核验所指的时间 Instant the verdict speaks of (RFC 3339)")] = None,
    matter: Annotated[str | None, typer.Option(help="事项编码，其新鲜度要求一并计入 Item code of the matter")] = None,
    evidence: Annotated[
        list[Path] | None, typer.Option(help="签发证据文件，可重复 Evidence of issuance, a file; repeat")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """核验一张证照 Verify a licence. Exit code 0 valid, 1 invalid, 2 usage, 3 cannot tell."""
    now = entry.now()
    sealed = _load(source)
    registry, status = _held(bundle)
    verdict = assess(
        sealed,
        registry=registry,
        status=status,
        at=entry.parse_time(at) if at else now,
        now=now,
        matter=matter,
        evidence=[read_bounded(path, _MAX_EVIDENCE, Reason.USAGE) for path in evidence or ()],
    )
    entry.put(json.dumps(verdict_json(verdict), ensure_ascii=False, indent=2) if as_json else verdict_text(verdict))
    return _EXIT[verdict.outcome]


def _load(source: str) -> bytes | str | MalformedError:
    """Load what is to be verified; a picture without a code is a finding to report, not a crash."""
    try:
        return load_source(source)
    except MalformedError as error:
        return error


def _held(folder: Path | None) -> tuple[Registry | None, StatusView]:
    """Load the bundle; what is broken in it is said, and then counts as not held."""
    if folder is None:
        entry.say(
            "! 未指定 --bundle:没有信任名录，结论只能是无法判断 No --bundle: the verdict can only be `cannot tell`"
        )
        return None, StatusView()
    try:
        held = load_bundle(folder)
    except EcertError as error:
        entry.say(f"! {entry.explain(error)}")
        return None, StatusView()
    for name, problem in held.problems.items():
        entry.say(f"! {name}: {entry.explain(problem)}")
    return held.registry, held.status


@app.command()
def inspect(source: SourceArgument, *, as_json: JsonOption = False) -> int:
    """查看内容，不核验 Show what a code or record says, without verifying any of it. Names are not masked."""
    sealed = load_source(source)
    data = decode_text(sealed) if isinstance(sealed, str) else sealed
    found = _describe(envelope.decode(data, limit=MAX_RECORD), len(data))
    entry.say("! 以下内容未经核验 Nothing below was verified")
    if as_json:
        entry.put(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for name, value in _flatten(found):
            entry.put(f"{name:36} {value}")
    return entry.OK


def _flatten(value: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, item in value.items():
        rows += _flatten(item, f"{prefix}{name}.") if isinstance(item, dict) else [(prefix + name, item)]
    return rows


def _describe(signed: envelope.Envelope, size: int) -> dict[str, Any]:
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


app.command()(render)


@app.command()
def answer(
    file: Annotated[Path, typer.Argument(help="签名答复文件 The signed answer")],
    *,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> int:
    """核验“某日是否有效”的签名答复 Verify a signed answer to "was it valid on that day?". Exit codes as for verify."""
    registry, _ = _held(bundle)
    if registry is None:
        raise UndeterminedError(Reason.REGISTRY_MISSING, "an answer is verified by a trust registry: give --bundle")
    found = answer_json(load_answer(read_bounded(file, MAX_ANSWER, Reason.USAGE), registry, now=entry.now()))
    if as_json:
        entry.put(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for name, value in _flatten(found):
            entry.put(f"{name:28} {value}")
    return entry.OK if found["state"] == "valid" else entry.REFUSED


@app.command()
def doctor(
    *,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> int:
    """检查本机能做什么 Say what this machine can do, and how old what it holds is."""
    found: dict[str, Any] = {
        "ecert": version("ecert"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "engine_verify": _engine(verify_engine),
        "engine_secret": _engine(secret_engine),
        "licence_types": len(load_catalogue()),
    }
    if bundle is not None:
        found["bundle"] = _bundle_health(bundle, entry.now())
    if as_json:
        entry.put(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for name, value in _flatten(found):
            entry.put(f"{name:28} {value}")
    healthy = "problem" not in found["engine_secret"] and found.get("bundle", {}).get("usable", True)
    return entry.OK if healthy else entry.REFUSED


def _engine(choose: Any) -> dict[str, str]:
    try:
        engine = choose()
    except CustodyError as error:
        return {"problem": error.detail}
    return {"name": engine.name, "version": engine.version}


def _bundle_health(folder: Path, at: datetime) -> dict[str, Any]:
    try:
        held = load_bundle(folder)
    except EcertError as error:
        return {"usable": False, "problem": str(error)}
    registry = held.registry
    if registry is None:
        return {"usable": False, "problem": "nothing is held yet: run python -m verifier update"}
    return {
        "usable": registry.is_fresh(at) and not held.problems,
        "registry_version": registry.version,
        "registry_fresh_until": timestamp(registry.fresh_until),
        "registry_keys": len(registry.keys()),
        "regions": ", ".join(registry.regions),
        "status": {
            region: f"sequence {status.sequence}, fresh until {timestamp(status.fresh_until)}"
            for region, status in held.status.regions.items()
        },
        "problems": {name: str(problem) for name, problem in held.problems.items()},
    }


def run() -> None:
    """Entry point of the `ecert` command."""
    if sys.stdout.encoding.lower().replace("-", "") != "utf8":
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    entry.run(app)
