"""`ecert render`: what it draws, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
import zxingcpp
from PIL import Image

from .licences import LINK, document, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from ecert.ofd.fonts import FontSet
    from tests.seal.world import World


@pytest.fixture
def file(fonts: FontSet, world: World, tmp_path: Path) -> Path:
    path = tmp_path / "licence.ofd"
    path.write_bytes(sealed(fonts, world, document()))
    return path


def render(*arguments: object) -> tuple[int, str]:
    command = [sys.executable, "-c", "from ecert.cli.main import run; run()", "render", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.stdout == b""
    return done.returncode, done.stderr.decode()


def test_a_png_is_the_page_at_its_resolution_with_its_code(file: Path) -> None:
    target = file.with_suffix(".png")
    code, words = render(file, target, "--resolution", 150)
    assert code == 0
    assert "未经核验" in words
    with Image.open(BytesIO(target.read_bytes())) as picture:
        assert abs(picture.width - 297 / 25.4 * 150) <= 1
        assert abs(picture.height - 210 / 25.4 * 150) <= 1
        assert [one.text for one in zxingcpp.read_barcodes(picture.convert("L"))] == [LINK]


def test_an_svg_tells_its_text_to_who_cannot_see_it(file: Path) -> None:
    target = file.with_suffix(".svg")
    assert render(file, target)[0] == 0
    assert "广州示例样品云图智能制造科技发展有限公司" in target.read_text("utf-8")


def test_a_pdf_is_written_the_same_every_time(file: Path) -> None:
    first, second = file.with_name("1.pdf"), file.with_name("2.pdf")
    assert render(file, first)[0] == render(file, second)[0] == 0
    assert first.read_bytes().startswith(b"%PDF-")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("licence.ofd", "out.gif"), 2, "out.gif"),
        (("licence.ofd", "out.png", "--page", 2), 2, "1 page"),
        (("licence.ofd", "out.png", "--fonts", "nowhere"), 1, "layout-font-unusable"),
        (("nothing.ofd", "out.png"), 1, "nothing.ofd"),
        (("broken.ofd", "out.png"), 1, "not-ofd"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_nothing_is_written(
    file: Path, arguments: tuple[object, ...], code: int, word: str
) -> None:
    folder = file.parent
    (folder / "broken.ofd").write_bytes(b"not a zip file")
    source, target, *options = arguments
    found, words = render(folder / str(source), folder / str(target), *options)
    assert (found, word in words) == (code, True), words
    assert not (folder / str(target)).exists()
