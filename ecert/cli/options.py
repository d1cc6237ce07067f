"""What several `ecert` commands take: a source, a bundle; and the bundle loaded, its problems said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecert.cli import entry
from ecert.cli.bundle import load_bundle
from ecert.errors import EcertError
from ecert.holdings import Holdings

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
        metavar="PATH|TEXT|-",
        help="OFD 文件、印章、签章值、记录文件、二维码图片或文本，或 - 为标准输入 File, seal, picture or text",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON Print JSON")]


def load_held(folder: Path | None) -> Holdings:
    """Load the bundle; what is broken in it is said, and then counts as not held."""
    nothing = Holdings(b"")
    if folder is None:
        entry.say(
            "! 未指定 --bundle:没有信任名录，结论只能是无法判断 No --bundle: the verdict can only be `cannot tell`"
        )
        return nothing
    try:
        held = load_bundle(folder)
    except EcertError as error:
        entry.say(f"! {entry.explain(error)}")
        return nothing
    for name, problem in held.problems.items():
        entry.say(f"! {name}: {entry.explain(problem)}")
    return held
