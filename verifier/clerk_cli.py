"""`python -m verifier clerk`: an account of a clerk, to be put into the office's settings."""

import json
import sys
from typing import Annotated

import typer

from ecert.cli import entry
from verifier.matters.clerks import MAX_PIN, Pin


def clerk(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="工号 The clerk's identifier")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="姓名 The clerk's name")],
) -> int:
    """制作窗口人员账号：口令从终端或标准输入读入 Make an account of a clerk; the PIN is typed in or read from stdin."""
    pin = Pin.make(_read_pin())
    entry.put(json.dumps({"id": identifier, "name": name, "pin": pin.text}, ensure_ascii=False))
    return entry.OK


def _read_pin() -> str:
    if sys.stdin.isatty():
        typed: str = typer.prompt("口令 PIN", hide_input=True, confirmation_prompt="再输一次 Again", err=True)
        return typed
    return sys.stdin.readline(MAX_PIN + 2).rstrip("\r\n")
