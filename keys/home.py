"""The ceremony directory, and how a command changes it: all its files or none, and never over another's.

A change goes through four steps:

1. Under a lock on the directory, refuse names that are taken.
2. Write every file into a staging directory inside it, and force them to the disk.
3. Rename the staging directory to `.commit`. Before this rename nothing has happened; after it, everything has.
4. Move the files to their places. Whoever next locks a directory that still holds `.commit` (its writer was
   killed, or the power failed) finishes this step first.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY_SUFFIX: Final = ".key.pem"
_PLAN: Final = "plan.json"
_COMMIT: Final = ".commit"
_STAGED: Final = ".staged-"
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Change:
    """What one command does to the directory. Names are file names, without any directory.

    Attributes:
        create: New files; refused where the name is taken.
        keep: Existing files and the new name under which each stays when it is replaced.
        replace: Existing files and their new content.
    """

    create: Mapping[str, bytes] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    replace: Mapping[str, bytes] = field(default_factory=dict)


class Home:
    """A ceremony directory; made with mode 0700 when first written to."""

    def __init__(self, path: Path) -> None:
        """Name the directory; nothing is touched."""
        self.path = path

    def file(self, name: str) -> Path:
        """Return the path of a file here."""
        return self.path / name

    def require_free(self, *names: str) -> None:
        """Refuse names that are taken.

        Raises:
            CustodyError: one is; nothing is ever overwritten.
        """
        for name in names:
            if os.path.lexists(self.file(name)):
                raise CustodyError(Reason.KEY_EXISTS, f"{self.file(name)} exists; nothing was written")

    def prepare(self) -> None:
        """Make the directory where it is missing, and finish a change that was interrupted.

        Raises:
            CustodyError: it cannot be made or used, or others may write to it.
        """
        with self.locked():
            pass

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory against other commands. Not re-entrant.

        Raises:
            CustodyError: the directory cannot be made or used, or others may write to it.
        """
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            if os.fstat(descriptor).st_mode & _WRITABLE:
                raise CustodyError(
                    Reason.KEY_FILE_EXPOSED, f"others can write to {self.path}: run chmod 700 {self.path}"
                )
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                self._recover()
            except OSError as error:
                raise _unusable(self.path, error) from error
            yield
        finally:
            os.close(descriptor)

    def apply(self, change: Change) -> tuple[Path, ...]:
        """Make a change; the caller holds the lock. Returns the paths written, in the change's order.

        Raises:
            CustodyError: a name is taken, or the directory cannot be written: nothing has changed then. (A disk
                that fails within step 4 leaves a change that the next command finishes.)
        """
        self.require_free(*change.create, *change.keep.values())
        staged: Path | None = None
        try:
            staged = Path(tempfile.mkdtemp(prefix=_STAGED, dir=self.path))
            _stage(staged, change)
            staged.rename(self.file(_COMMIT))
            _sync(self.path)
            self._finish()
        except OSError as error:
            if staged is not None:
                shutil.rmtree(staged, ignore_errors=True)
            raise _unusable(self.path, error) from error
        return tuple(self.file(name) for name in (*change.create, *change.replace, *change.keep.values()))

    def _recover(self) -> None:
        for left in self.path.glob(f"{_STAGED}*"):
            shutil.rmtree(left)
        if self.file(_COMMIT).exists():
            self._finish()

    def _finish(self) -> None:
        """Carry out the plan in `.commit`. Each step may be met half done, and is done once."""
        commit = self.file(_COMMIT)
        if (commit / _PLAN).exists():
            plan = json.loads((commit / _PLAN).read_bytes())
            for old, kept in plan["keep"].items():
                if not self.file(kept).exists():
                    os.link(self.file(old), self.file(kept))
            for name in plan["create"]:
                if (commit / name).exists():
                    self._place(commit / name)
            for name in plan["replace"]:
                if (commit / name).exists():
                    (commit / name).rename(self.file(name))
            _sync(self.path)
            (commit / _PLAN).unlink()
        commit.rmdir()
        _sync(self.path)

    def _place(self, staged: Path) -> None:
        """Move a new file in without overwriting one that somebody copied here in this very moment."""
        target = self.file(staged.name)
        try:
            os.link(staged, target)
        except FileExistsError as error:
            if not staged.samefile(target):
                raise CustodyError(
                    Reason.KEY_EXISTS, f"{target} appeared while the change was made: move it away and run any command"
                ) from error
        staged.unlink()


def _stage(directory: Path, change: Change) -> None:
    files = {**change.create, **change.replace}
    plan = {"create": list(change.create), "keep": dict(change.keep), "replace": list(change.replace)}
    for name, data in (*files.items(), (_PLAN, json.dumps(plan).encode())):
        mode = 0o600 if name.endswith(KEY_SUFFIX) else 0o644
        descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # whatever the umask
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    _sync(directory)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> CustodyError:
    return CustodyError(Reason.INTERNAL, f"the directory {path} cannot be used: {error.strerror}")
