"""The `ecert` command: verify, inspect, render, doctor."""

import json
import platform
import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from ecert.cli import entry
from ecert.cli.bundle import load_bundle
from ecert.cli.files import read_bounded
from ecert.cli.fonts import find_font
from ecert.cli.inspecting import flatten, inspect
from ecert.cli.options import BundleOption, JsonOption, load_held
from ecert.cli.render import render
from ecert.cli.verifying import verify
from ecert.errors import CustodyError, EcertError, IssuanceError, Reason, UndeterminedError
from ecert.licence.types import load_catalogue
from ecert.report import answer_json, timestamp
from ecert.revocation import MAX_ANSWER, load_answer
from ecert.sm2 import kernel_absence, secret_engine, verify_engine

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="电子证照核验 Verify electronic licences.", rich_markup_mode=None
)


@app.callback()
def _start() -> None:
    entry.start()


for command in (verify, inspect, render):
    app.command()(command)


@app.command()
def answer(
    file: Annotated[Path, typer.Argument(help="签名答复文件 The signed answer")],
    *,
    bundle: BundleOption = None,
    as_json: JsonOption = False,
) -> int:
    """核验“某日是否有效”的签名答复 Verify a signed answer to "was it valid on that day?". Exit codes as for verify."""
    registry = load_held(bundle).registry
    if registry is None:
        raise UndeterminedError(Reason.REGISTRY_MISSING, "an answer is verified by a trust registry: give --bundle")
    found = answer_json(load_answer(read_bounded(file, MAX_ANSWER, Reason.USAGE), registry, now=entry.now()))
    if as_json:
        entry.put(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for name, value in flatten(found):
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
        "kernel": kernel_absence() or "in use",
        "licence_types": len(load_catalogue()),
        "fonts": _fonts(),
    }
    if bundle is not None:
        found["bundle"] = _bundle_health(bundle, entry.now())
    if as_json:
        entry.put(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for name, value in flatten(found):
            entry.put(f"{name:28} {value}")
    healthy = "problem" not in found["engine_secret"] and found.get("bundle", {}).get("usable", True)
    return entry.OK if healthy else entry.REFUSED


def _engine(choose: Any) -> dict[str, str]:
    try:
        engine = choose()
    except CustodyError as error:
        return {"problem": error.detail}
    return {"name": engine.name, "version": engine.version}


def _fonts() -> dict[str, str]:
    """Say where the fonts are that pages and seals are drawn with; only whoever draws needs them."""
    try:
        return {"folder": str(find_font("song").parent)}
    except IssuanceError as error:
        return {"problem": error.detail}


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
