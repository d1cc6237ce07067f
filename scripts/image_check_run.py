"""The images of the Dockerfile without Docker: its own lines, done in fresh folders below a temporary one.

COPY copies from a clean export of the tree, without what `.dockerignore` names. RUN uv is run; what needs a whole
system (users, folders, fonts) is read, checked for its form, and not done. Whatever else stands there is an error.
Then each image's entrypoint, its doctor and every module in it are loaded by the environment built here.
"""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dockerfile
from dockerfile import Stage, chain

ROOT = Path(__file__).parents[1]
READ_ONLY = re.compile(
    r"pip install --no-cache-dir uv|groupadd --gid \d+ [a-z]+|useradd --uid \d+ --gid ecert .* ecert-[a-z]+"
    r"|install -d -o \d+ -g 10000 -m [0-7]{4} /[a-z/-]+"
    r"|apt-get update && apt-get install -y --no-install-recommends fonts-noto-cjk && rm -rf /var/lib/apt/lists/\*"
)
"""RUN lines of a system's own, each known to the letter: a new one is to be looked at."""
MUST_NOT = {"verifier": ("keys", "api"), "keys": ("api", "verifier"), "api": ("verifier",)}
"""What an image must not contain."""
LOAD_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            importlib.import_module(module.name)
"""


def export(target: Path) -> None:
    """Copy what a clean checkout would hold, without what is ignored."""
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    for name in filter(None, names):
        parts = [name, *map(str, Path(name).parents)]
        if any(fnmatch.fnmatch(part, one.removeprefix("**/")) for part in parts for one in ignored):
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)


class Builder:
    """Builds stages in folders of their own: what is `/app` in an image is `<stage>/app` here."""

    def __init__(self, folder: Path) -> None:
        """Work below `folder`, from a clean export of the tree."""
        self.folder, self.context = folder, folder / "context"
        self.stages = dockerfile.read()
        export(self.context)

    def build(self, name: str) -> Path:
        """Do the steps of a stage and of those before it; return its root."""
        root = self.folder / name
        if root.exists():
            return root
        root.mkdir()
        work = Path("/")
        for stage in chain(self.stages, name):
            for instruction, text in stage.steps:
                if instruction == "WORKDIR":
                    work = Path(text)
                    _inside(root, work).mkdir(parents=True, exist_ok=True)
                elif instruction == "RUN":
                    self._run(text, _inside(root, work))
                elif instruction == "COPY":
                    self._copy(text, root, work)
        return root

    def _run(self, text: str, work: Path) -> None:
        if READ_ONLY.fullmatch(text):
            return
        words = shlex.split(text)
        while "=" in words[0]:
            words.pop(0)
        if words[:2] != ["uv", "sync"]:
            sys.exit(f"Dockerfile: RUN {text}: what is to be done about it is not known here")
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "UV_PYTHON_DOWNLOADS": "never"}
        environment |= {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}
        _call([*words, "--quiet", "--python", sys.executable], work, environment)

    def _copy(self, text: str, root: Path, work: Path) -> None:
        words = text.split()
        source = self.context
        if words[0].startswith("--from="):
            source = self.build(words.pop(0).removeprefix("--from="))
        *names, target = words
        place = _inside(root, work / target)
        for name in names:
            found = source / name.lstrip("/")
            if not found.exists():
                sys.exit(f"Dockerfile: COPY {text}: there is no {name} in {source.name}")
            if source != self.context:
                place.symlink_to(found)  # an environment cannot be moved
            elif found.is_dir():
                shutil.copytree(found, place)
            else:
                shutil.copyfile(found, place / found.name)


def _inside(root: Path, path: Path) -> Path:
    return root / str(path).lstrip("/")


def _call(command: list[str], work: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        sys.exit(
            f"{shlex.join(command)[:200]} in {work}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
    return done.stdout


def check(builder: Builder, stage: Stage) -> str:
    """Load an image's entrypoint, doctor and modules; return what it says of itself."""
    root = builder.build(stage.name)
    app = root / "app"
    said = dockerfile.environment(chain(builder.stages, stage.name))
    environment = {name: value.replace("/app", str(app)) for name, value in said.items()}
    environment["PATH"] = environment["PATH"].replace("$PATH", "/usr/bin:/bin")
    environment |= {"LANG": "C.UTF-8", "HOME": str(root)}
    packages = sorted(one.name for one in app.iterdir() if one.is_dir() and not one.name.startswith("."))
    wrong = set(MUST_NOT[stage.name]) & set(packages)
    if wrong:
        sys.exit(f"{stage.name} contains {', '.join(sorted(wrong))}")
    python = str(app / ".venv/bin/python")
    helped = _call([python, *stage.entrypoint()[1:], "--help"], app, environment)
    _call([python, "-c", LOAD_ALL, "ecert", *packages], app, environment)
    doctor = _call([str(app / ".venv/bin/ecert"), "doctor"], app, environment)
    health = stage.health()
    ast.parse(health[health.index("-c") + 1])
    engine = next(line.split()[1:] for line in doctor.splitlines() if line.startswith("engine_verify"))
    held = ", ".join(["ecert", *packages])
    return f"{stage.name:9} {held:18} {len(helped.splitlines())} lines of help, engine {' '.join(engine)}"


def main() -> None:
    """Build and check every stage that has an entrypoint."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ecert-images-") as name:
        builder = Builder(Path(name))
        images = [stage for stage in builder.stages.values() if stage.entrypoint()]
        for stage in images:
            builder.build(stage.name)
        with ThreadPoolExecutor() as side_by_side:
            for said in side_by_side.map(lambda stage: check(builder, stage), images):
                print(said)
    print(f"{time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
