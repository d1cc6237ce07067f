from __future__ import annotations

import io
import itertools
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from ecert.errors import IssuanceError, Reason
from ecert.seal.font import SealFont
from ecert.seal.layout import MAX_NAME, Cell, lay_out
from ecert.seal.picture import Emblem, SealDesign, SealDrawing, SealLevel, draw_seal
from ecert.seal.raster import seal_png

from .fonts import small_font

NOTO = Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc")
NAME = "样例省市场监督管理局"
CODE = "44010600000012"

needs_noto = pytest.mark.skipif(not NOTO.exists(), reason="no Noto Serif CJK (Debian: fonts-noto-cjk)")


@pytest.fixture(scope="module")
def noto() -> SealFont:
    return SealFont([NOTO.read_bytes()])


def corners(cell: Cell) -> list[tuple[float, float]]:
    cosine, sine = math.cos(cell.turn), math.sin(cell.turn)
    sides = [(cell.width / 2 * i, cell.height / 2 * j) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return [(cell.x + x * cosine - y * sine, cell.y + x * sine + y * cosine) for x, y in sides]


def apart(one: Cell, other: Cell) -> bool:
    """Whether two turned boxes have a line between them that is parallel to a side of one of them."""
    for turn in (one.turn, other.turn):
        for angle in (turn, turn + math.pi / 2):
            first, second = (
                [x * math.cos(angle) + y * math.sin(angle) for x, y in corners(cell)] for cell in (one, other)
            )
            if max(first) <= min(second) + 1e-9 or max(second) <= min(first) + 1e-9:
                return True
    return False


@pytest.mark.parametrize("diameter", [20, 42, 50])
@pytest.mark.parametrize(("code", "title"), [(0, 0), (14, 0), (14, 7), (24, 12), (0, 5)])
def test_names_of_every_length_fit_without_touching_anything(diameter: int, code: int, title: int) -> None:
    for count in range(1, MAX_NAME + 1):
        layout = lay_out(diameter, name=count, code=code, title=title)
        everything = [*layout.name, *layout.code, *layout.title]
        assert len(everything) == count + code + title
        assert all(apart(one, other) for one, other in itertools.combinations(everything, 2)), count
        reach = [math.hypot(x, y) for cell in everything for x, y in corners(cell)]
        assert max(reach) < layout.ring[1], count
        inside = [math.hypot(x, y - layout.middle_y) for cell in everything for x, y in corners(cell)]
        assert min(inside) > layout.middle * 0.95, count
        assert layout.middle > 0.1 * diameter


def test_longer_names_first_widen_the_arc_then_condense_then_shrink() -> None:
    cells = {count: lay_out(42, name=count).name for count in (4, 10, 20, 35, 46)}
    turns = [row[-1].turn for row in cells.values()]
    assert turns == sorted(turns)
    ratios = [round(row[0].width / row[0].height, 6) for row in cells.values()]
    assert ratios == sorted(ratios, reverse=True)
    assert min(ratios) > 0.55
    assert cells[4][0].height == cells[10][0].height > cells[20][0].height > cells[46][0].height > 2.5


def test_the_code_reads_from_left_to_right_along_the_bottom() -> None:
    code = lay_out(42, name=10, code=14).code
    assert [cell.x for cell in code] == sorted(cell.x for cell in code)
    assert all(cell.y > 15 for cell in code)
    assert code[0].turn > 0 > code[-1].turn


def drawing(font: SealFont, **changes: object) -> SealDrawing:
    return draw_seal(SealDesign(**({"name": NAME, "diameter": 42} | changes)), font)  # type: ignore[arg-type]


def picture(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGBA")


@needs_noto
@pytest.mark.parametrize("count", [1, 4, 10, 20, 35, 46, 60])
def test_a_seal_is_red_on_nothing_and_as_large_as_asked(noto: SealFont, count: int) -> None:
    data = seal_png(drawing(noto, name=(NAME * 6)[:count], code=CODE), resolution=300)
    image = picture(data)
    assert image.size == (496, 496)
    assert [round(one) for one in image.info["dpi"]] == [300, 300]
    alpha = image.getchannel("A")
    assert alpha.getbbox() == (0, 0, 496, 496)
    assert image.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert image.getpixel((248, 248)) == (0xD7, 0, 0x0F, 255)
    assert 0.12 < sum(alpha.histogram()[128:]) / 496**2 < 0.35


@needs_noto
def test_the_same_design_gives_the_same_bytes(noto: SealFont) -> None:
    first, second = drawing(noto, code=CODE), drawing(SealFont([NOTO.read_bytes()]), code=CODE)
    assert first.svg() == second.svg()
    assert seal_png(first) == seal_png(second)


@needs_noto
def test_the_svg_is_one_path_of_the_seals_size(noto: SealFont) -> None:
    root = ET.fromstring(drawing(noto, code=CODE, title="业务专用章").svg())  # noqa: S314  (ours)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("42mm", "42mm", "0 0 42 42")
    (path,) = root
    assert path.get("fill") == "#d7000f"
    numbers = [float(one) for one in re.findall(r"-?[0-9.]+", path.get("d") or "")]
    assert len(numbers) > 1000
    assert min(numbers) >= 0
    assert max(numbers) <= 42


@needs_noto
def test_a_collection_gives_its_simplified_chinese_face(noto: SealFont) -> None:
    assert noto.has("证")
    assert noto._faces[0].font["name"].getDebugName(1) == "Noto Serif CJK SC"


def test_holes_stay_open_and_narrow_characters_are_not_drawn_out() -> None:
    font = SealFont([small_font("口")])
    drawn = draw_seal(SealDesign("口", 42), font)
    (x, y, *_), cell = (21, 0), lay_out(42, name=1).name[0]
    image = picture(seal_png(drawn, resolution=254))
    middle = round((x + cell.x) * 10), round((21 + cell.y) * 10)
    assert image.getpixel(middle)[3] == 0  # type: ignore[index]
    assert image.getpixel((middle[0] + round(cell.height), middle[1] + y))[3] == 255  # type: ignore[index]
    assert image.getpixel((middle[0] + round(cell.height * 2), middle[1]))[3] == 0  # type: ignore[index]


def test_a_second_font_gives_what_the_first_lacks() -> None:
    fonts = SealFont([small_font("甲"), small_font("乙")])
    assert draw_seal(SealDesign("甲乙", 42), fonts).shapes
    with pytest.raises(IssuanceError, match=r"丙 \(U\+4E19\)") as caught:
        draw_seal(SealDesign("甲乙丙", 42), fonts)
    assert caught.value.reason is Reason.SEAL_TEXT_UNDRAWABLE


@pytest.mark.parametrize(
    "data", [b"", b"not a font", b"ttcf", b"OTTO" + bytes(100), b"\x00\x01\x00\x00" + b"\xff" * 60]
)
def test_what_is_no_font_is_refused(data: bytes) -> None:
    with pytest.raises(IssuanceError) as caught:
        SealFont([data])
    assert caught.value.reason is Reason.SEAL_FONT_UNUSABLE


def test_a_font_cut_short_is_refused() -> None:
    whole = small_font("口")
    for length in range(0, len(whole), 16):
        try:
            draw_seal(SealDesign("口", 42), SealFont([whole[:length]]))
        except IssuanceError as error:
            assert error.reason in (Reason.SEAL_FONT_UNUSABLE, Reason.SEAL_TEXT_UNDRAWABLE)  # noqa: PT017


def test_an_emblem_takes_the_place_of_the_star_centred_and_in_size() -> None:
    font = SealFont([small_font("口")])
    star = draw_seal(SealDesign("口", 42), font).shapes[1]
    shape = draw_seal(SealDesign("口", 42, emblem=Emblem("M1000 0 H3000 V2000 h-2000 z")), font).shapes[1]
    assert shape != star
    points = [point for _, operands in shape for point in operands]
    assert max(math.dist(point, (21, 21)) for point in points) == pytest.approx(7)
    for axis in (0, 1):
        along = [point[axis] for point in points]
        assert (min(along) + max(along)) / 2 == pytest.approx(21)


@pytest.mark.parametrize("path", ["", "M0 0", "nonsense", "M 1 1 L", "M0 0 L1e999 1", "M0 0 1" + " 1" * 300_000])
def test_what_is_no_emblem_is_refused(path: str) -> None:
    with pytest.raises(IssuanceError) as caught:
        draw_seal(SealDesign("口", 42, emblem=Emblem(path)), SealFont([small_font("口")]))
    assert caught.value.reason is Reason.SEAL_FIELD_INVALID


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "口" * 61},
        {"name": "口\n"},
        {"code": "1" * 25},
        {"title": "口" * 13},
        {"diameter": 19},
        {"diameter": 81},
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(IssuanceError) as caught:
        drawing(SealFont([small_font("口")]), **changes)
    assert caught.value.reason is Reason.SEAL_FIELD_INVALID


def test_a_resolution_beyond_reason_is_refused() -> None:
    drawn = draw_seal(SealDesign("口", 42), SealFont([small_font("口")]))
    for resolution in (0, 1201):
        with pytest.raises(IssuanceError):
            seal_png(drawn, resolution=resolution)


def test_levels_have_their_sizes() -> None:
    assert [level.diameter for level in SealLevel] == [50, 45, 42, 42]
