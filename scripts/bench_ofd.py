"""What the benchmark does with OFD files: business licences set, written, sealed; one of them verified."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

from ecert.cli.fonts import find_font, load_fonts
from ecert.cli.pixels import qr_modules
from ecert.ofd.archive import write_package
from ecert.ofd.sealing import Sealer, seal_file
from ecert.ofd.verification import assess_ofd
from ecert.ofd.writer import write_licence
from ecert.seal import SealPicture
from ecert.seal.font import SealFont
from ecert.seal.picture import SealDesign, draw_seal
from ecert.seal.raster import seal_png

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.ofd.licences import LINK, document
from tests.seal import forge
from tests.seal.world import NOW, World

_NAME = "样例省市场监督管理局"
_FIRST, _LAST = 0x4E00, 0x9FA5
_STEPS = (37, 101)


class OfdBench:
    """Licences whose holders' names have other characters every time, so that every file needs subsets of its own."""

    def __init__(self) -> None:
        """Load the fonts and make a seal as drawn for a department.

        Raises:
            IssuanceError: no fonts are installed.
        """
        self._fonts = load_fonts()
        self._world = World.build()
        design = SealDesign(_NAME, 42, code="44010600000012")
        font = SealFont([find_font("song-bold").read_bytes()])
        picture = SealPicture("PNG", seal_png(draw_seal(design, font)), 42, 42)
        self._seal = forge.seal(self._world, picture=picture)
        self._sealer = Sealer(self._world.keys["department"], self._world.certificates["department"])
        self._licence = document()
        self._turn = count()
        self._file = self.issue()
        self._believed = cache(self._world.validate)

    def issue(self) -> bytes:
        """Draw the QR code, set the page, write the file, seal it and check the seal."""
        turn = next(self._turn)
        name = "".join(chr(_FIRST + (turn * step) % (_LAST - _FIRST)) for step in _STEPS)
        face = self._licence.face
        values = {**face.values, "certificateHolderName": f"{name}样例有限公司"}
        own = replace(self._licence, face=replace(face, values=values, qr=qr_modules(LINK)))
        made = write_licence(own, self._fonts, NOW)
        return write_package(seal_file(made.package, self._seal, self._sealer, centre=made.seal, at=NOW), NOW)

    def verify(self) -> None:
        """Make every check on one file; the certificates' paths were validated before, as a registry keeps them."""
        report = assess_ofd(self._file, validate=self._believed, at=NOW)
        if report.error is not None:
            raise report.error
