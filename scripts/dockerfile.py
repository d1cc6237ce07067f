"""The Dockerfile as stages with their instructions: as much of the format as ours uses, and an error for the rest."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).parents[1] / "Dockerfile"
KNOWN = ("WORKDIR", "RUN", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT")
_FROM = re.compile(r"FROM (?P<base>\S+) AS (?P<name>[a-z]+)")


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: Its name.
        base: The stage or image that it begins as.
        steps: Instruction and the rest of its line, in order.
    """

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """Return what an instruction says, each time it stands here."""
        return [text for name, text in self.steps if name == instruction]

    def entrypoint(self) -> list[str]:
        """Return the entrypoint, in exec form; empty where the stage has none."""
        return [word for text in self.all("ENTRYPOINT") for word in json.loads(text)]

    def volumes(self) -> list[str]:
        """Return where something may be written."""
        return [one for text in self.all("VOLUME") for one in (json.loads(text) if text[0] == "[" else text.split())]

    def health(self) -> list[str]:
        """Return the command that tells whether it is well, in exec form."""
        return [word for text in self.all("HEALTHCHECK") for word in json.loads(text.partition(" CMD ")[2])]


def read(file: Path = FILE) -> dict[str, Stage]:
    """Return the stages by name, in order.

    Raises:
        ValueError: something in the file is not known here.
    """
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    for line in file.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        begun = _FROM.fullmatch(line)
        if begun is not None:
            current = stages[begun["name"]] = Stage(begun["name"], begun["base"])
            continue
        instruction, _, text = line.partition(" ")
        if current is None or instruction not in KNOWN or text.endswith("\\"):
            raise ValueError(f"not known here: {line}")
        current.steps.append((instruction, text))
    return stages


def chain(stages: dict[str, Stage], name: str) -> list[Stage]:
    """Return a stage and those that it begins as, the first of them first."""
    found = [stages[name]]
    while found[0].base in stages:
        found.insert(0, stages[found[0].base])
    return found


def environment(stages: list[Stage]) -> dict[str, str]:
    """Return the variables that stages set, as they are written."""
    pairs = [pair for stage in stages for text in stage.all("ENV") for pair in shlex.split(text)]
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
