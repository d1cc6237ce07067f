"""Pictures of files that were handed in: of a few, for a while, and of no page that would fill the memory."""

from __future__ import annotations

import re

import pytest

from ecert.cli.fonts import load_fonts
from ecert.ofd.package import Package
from tests.ofd.licences import document, sealed
from tests.seal.world import World
from verifier.drawings import KEPT, Drawings


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.read(sealed(load_fonts(), World.build(), document()))


def test_a_page_is_drawn_while_its_file_is_kept(package: Package) -> None:
    drawings = Drawings()
    names = [drawings.keep(package) for _ in range(KEPT + 1)]
    drawn = drawings.draw(names[-1])
    assert drawn is not None
    assert drawn.startswith(b"\x89PNG")
    assert drawings.draw(names[0]) is None
    assert drawings.draw("a name that nobody has") is None
    assert len({len(name) for name in names}) == 1


def test_a_page_of_a_square_kilometre_is_not_drawn(package: Package) -> None:
    box = re.compile(rb"(<[a-z]+:PhysicalBox>)[^<]+")
    vast = {name: box.sub(rb"\g<1>0 0 900000 900000", part) for name, part in package.parts.items()}
    assert vast != dict(package.parts)
    drawings = Drawings()
    assert drawings.draw(drawings.keep(Package.of(vast))) is None
