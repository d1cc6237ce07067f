"""`python -m keys make-seal`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from ecert.cli.files import read_bounded
from ecert.errors import EcertError, Reason
from keys.options import DEFAULT_HOME, Home, PassphraseFile, existing_ceremony, parse_time, passphrase_source, report

_MAX_FONT: Final = 128 * 1024 * 1024
_MAX_EMBLEM: Final = 512 * 1024
_LEVELS: Final = "province|prefecture|township|special"


def make_seal(
    *,
    maker: Annotated[str, typer.Option(metavar="USCC", help="制章机构 / the seal maker")],
    department: Annotated[str, typer.Option(metavar="USCC", help="印章所属部门 / whose seal it is")],
    code: Annotated[
        str, typer.Option(metavar="14DIGITS", help="印章编码：行政区划6位+顺序号8位 / region and sequence")
    ],
    level: Annotated[
        str, typer.Option(metavar=_LEVELS, help="级别，决定直径：50、45、42、42毫米 / settles the diameter")
    ] = "prefecture",
    diameter: Annotated[
        int | None, typer.Option(metavar="MM", help="直径，毫米 / diameter, instead of a level")
    ] = None,
    title: Annotated[str, typer.Option(help="星下横排文字，如“业务专用章” / line under the star")] = "",
    emblem: Annotated[
        Path | None, typer.Option(metavar="FILE", help="中心图案：SVG 路径数据文件 / file with SVG path data")
    ] = None,
    font: Annotated[
        list[Path] | None,
        typer.Option("--font", metavar="FILE", help="字体，可重复，缺字时用下一个 / font; repeat for fallbacks"),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="重制：保留旧印章 / make it anew, keep the old one")] = False,
    home: Home = DEFAULT_HOME,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make a seal."""
    from ecert.cli.fonts import find_font  # noqa: PLC0415  (`--help` answers without loading any of these)
    from ecert.seal.font import SealFont  # noqa: PLC0415
    from ecert.seal.picture import Emblem, SealLevel  # noqa: PLC0415
    from keys.seals import SealOrder, make  # noqa: PLC0415

    existing_ceremony(home)
    if level not in tuple(SealLevel):
        raise EcertError(Reason.USAGE, f"{level!r} is no level: choose {_LEVELS}")
    order = SealOrder(
        maker=maker,
        department=department,
        code=code,
        diameter=SealLevel(level).diameter if diameter is None else diameter,
        title=title,
        emblem=None if emblem is None else Emblem(_read_text(emblem)),
        again=again,
    )
    letters = SealFont(
        read_bounded(one, _MAX_FONT, Reason.SEAL_FONT_UNUSABLE) for one in font or [find_font("song-bold")]
    )
    source = passphrase_source(passphrase_file)
    ask = partial(source.ask, f"seal-maker-{maker}")
    report(home, make(home, order, letters, passphrase=ask, now=parse_time("now")))


def _read_text(path: Path) -> str:
    return read_bounded(path, _MAX_EMBLEM, Reason.SEAL_FIELD_INVALID).decode("utf-8", "replace")
