"""The parts of an OFD file, and how they are found by their locations (GB/T 33190, 5 and ST_Loc; domain.md 2.4).

Locations may be absolute, relative to the part that says them, or relative to the root, and be written in another
letter case.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ecert.ofd.entries import MAX_FILE, MAX_PARTS, check_name, damaged, read_entries, unsafe

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_FILE", "MAX_PARTS", "Package", "damaged", "resolve", "unsafe"]


@dataclass(frozen=True, slots=True, repr=False)
class Package:
    """The parts of a file.

    Attributes:
        parts: Name, without a slash in front, to content; in the order of the file.
        names: Case-folded name to name.
    """

    parts: Mapping[str, bytes]
    names: Mapping[str, str]

    @classmethod
    def of(cls, parts: Mapping[str, bytes]) -> Package:
        """Make a package of parts.

        Raises:
            MalformedError: FILE_UNSAFE; a name no package may have, or two that differ in letter case alone.
        """
        names: dict[str, str] = {}
        for name in parts:
            check_name(name)
            if names.setdefault(name.casefold(), name) != name:
                raise unsafe(f"two parts are called {name}, but for letter case")
        return cls(MappingProxyType(dict(parts)), MappingProxyType(names))

    @classmethod
    def read(cls, data: bytes) -> Package:
        """Read a file.

        Raises:
            MalformedError: TOO_LARGE, NOT_OFD, FILE_UNSAFE or FILE_DAMAGED; see `read_entries`.
        """
        parts = read_entries(data)
        return cls(MappingProxyType(parts), MappingProxyType({name.casefold(): name for name in parts}))

    def find(self, location: str, base: str = "") -> str | None:
        """Return the name of the part at a location, or None where there is none.

        Args:
            location: ST_Loc.
            base: The name of the part that says it; "" for the root.

        Raises:
            MalformedError: FILE_UNSAFE; it leads out of the package.
        """
        folder = base.rpartition("/")[0]
        if not location.startswith("/") and folder:
            found = self.names.get(resolve(location, folder).casefold())
            if found is not None:
                return found
        return self.names.get(resolve(location, "").casefold())


def resolve(location: str, folder: str) -> str:
    """Return the name of the part at a location seen from a folder ("" for the root).

    Raises:
        MalformedError: FILE_UNSAFE; it leads out of the package.
    """
    steps = [] if location.startswith("/") or not folder else folder.split("/")
    for step in location.strip("/").split("/"):
        if step == "..":
            if not steps:
                raise unsafe("a location leads out of the file")
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)
