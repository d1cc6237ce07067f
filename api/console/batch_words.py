"""What a batch's page says in words: how its file was read, how long it will take, why it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.batches.states import BatchState
from api.console.views.batches import Column
from api.tables.papers import PAPER_SERIAL, PAPER_SERIAL_ZH, columns_with_paper
from ecert.errors import Reason
from ecert.licence.codes import Phrase
from ecert.licence.fields import FieldDefinition
from ecert.licence.metadata import METADATA
from ecert.wording import words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from api.batches.book import Batch
    from ecert.licence.types import TypeDefinition

_ENCODINGS: Final = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 (BOM)", "gb18030": "GBK (GB18030)"}
_ITEMS: Final = {
    **{item.name: Phrase(item.name, item.zh) for item in METADATA if item.name},
    PAPER_SERIAL: Phrase(PAPER_SERIAL, PAPER_SERIAL_ZH),
}
_MINUTE: Final = 60


def how_read(batch: Batch) -> str:
    """Return what the file turned out to be, e.g. `CSV · GBK (GB18030)`."""
    form, encoding = batch.form.get("form", "").upper(), batch.form.get("encoding")
    sheet = batch.form.get("sheet")
    parts = (form, _ENCODINGS.get(encoding or "", encoding or ""), f"工作表 {sheet}" if sheet else "")
    return " · ".join(filter(None, parts)) or "—"


def columns_as_read(batch: Batch, definitions: Iterable[TypeDefinition]) -> tuple[Column, ...]:
    """Return what each column of the heading was taken for."""
    known = {
        name: item
        for one in definitions
        if batch.type_code in (None, one.code)
        for name, item in columns_with_paper(one).items()
    }
    return tuple(Column(heading, _meaning(known.get(heading))) for heading in batch.columns)


def _meaning(item: str | FieldDefinition | None) -> Phrase | None:
    if item is None:
        return None
    return Phrase(item.name, item.zh) if isinstance(item, FieldDefinition) else _ITEMS.get(item, Phrase(item, item))


def remaining(batch: Batch, now: datetime) -> Phrase | None:
    """Return how long issuing will still take; None where that cannot be told."""
    if batch.state is not BatchState.RUNNING or batch.started_at is None or not batch.issued:
        return None
    spent = (now - batch.started_at).total_seconds()
    seconds = spent / batch.issued * (batch.good - batch.issued)
    if seconds < _MINUTE:
        return Phrase("less than a minute to go", "约剩不到 1 分钟")
    minutes = round(seconds / _MINUTE)
    return Phrase(f"about {minutes} min to go", f"约剩 {minutes} 分钟")


def problem_lines(batch: Batch) -> tuple[Phrase, ...]:
    """Return why a batch was refused, or what it waits for: a sentence, then everything that is wrong."""
    if not batch.problem:
        return ()
    said = words(Reason(batch.problem["code"]))
    listed = (Phrase(f"{at} {en}", f"{at} 应为：{zh}") for at, en, zh in batch.problem["errors"])
    return Phrase(f"{said.en} ({batch.problem['detail']})", said.zh), *listed
