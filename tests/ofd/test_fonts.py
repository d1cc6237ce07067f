from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from ecert.cli.fonts import find_font
from ecert.ofd.fonts import FontFace

if TYPE_CHECKING:
    from ecert.ofd.fonts import FontSet

USUAL = "样例市场监督管理局（2026）号：ABC 0-9，。"
SELDOM = "喆堃玥䶮𠮷𫖯"


@pytest.mark.parametrize("role", ["song", "song-bold", "hei"])
def test_however_many_subsets_were_cut_before_the_same_characters_give_the_same_bytes(
    fonts: FontSet, role: str
) -> None:
    del fonts  # they are there
    data = find_font(role).read_bytes()
    fresh, used = FontFace(data), FontFace(data)
    for number in range(40):
        used.subset(chr(0x4E00 + number))
    drawn = random.Random(7)  # noqa: S311  (a choice of characters)
    for _ in range(8):
        some = "".join(chr(drawn.randrange(0x4E00, 0x9FA6)) for _ in range(60))
        for text in (some, some + SELDOM, USUAL + some[:3]):
            wanted = [one for one in text if fresh.has(one)]
            assert used.subset(wanted) == fresh.subset(wanted)
        fresh = FontFace(data)  # which has cut few
