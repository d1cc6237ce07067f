"""Batches (存量证照电子化): a table of applications, validated, then issued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  (named in the fields of dataclasses)

from api.console.forms import Option  # noqa: TC001
from api.console.views.frame import Link  # noqa: TC001
from api.console.wording import Named
from ecert.licence.codes import Phrase  # noqa: TC001


class BatchState(Named):
    """Where a batch stands."""

    VALIDATING = "validating", "校验中", "Validating", "wait"
    READY = "ready", "待制发", "Ready", "wait"
    WAITING = "waiting", "待复核", "Waiting for review", "wait"
    RUNNING = "running", "制发中", "Issuing", "wait"
    DONE = "done", "已完成", "Done", "good"
    CANCELLED = "cancelled", "已取消", "Cancelled", "off"
    REFUSED = "refused", "未受理", "Refused", "bad"

    @property
    def moves(self) -> bool:
        """Whether it changes by itself, so that its page is to be looked at again."""
        return self in (BatchState.VALIDATING, BatchState.RUNNING)


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch of the list.

    Attributes:
        key: Names it in addresses.
        file: The name of the file handed in.
        type_name: What its licences are.
        state: Where it stands.
        rows: How many rows the file has; 0 while that is not known.
        done: How many rows have been validated or issued, whichever is going on.
        failed: How many rows cannot be issued.
        created_at: When it was handed in.
        operator: Who handed it in.
    """

    key: str
    file: str
    type_name: str
    state: BatchState
    rows: int
    done: int
    failed: int
    created_at: datetime
    operator: str


@dataclass(frozen=True, slots=True)
class BatchList:
    """The batches of a department, the newest first.

    Attributes:
        rows: What is on this page.
        next_cursor: Where the next page begins; empty on the last.
        may_create: Whether the operator may hand in a file.
    """

    rows: tuple[BatchRow, ...]
    next_cursor: str = ""
    may_create: bool = False


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """The empty table of one type, to be downloaded."""

    type_name: Phrase
    files: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class BatchUpload:
    """Handing in a file.

    Attributes:
        types: The types to choose from; the first option stands for a column in the file.
        templates: Empty tables to begin from.
        max_rows: The most rows of a file.
        max_megabytes: Its largest size.
        idempotency_key: Makes a form sent twice one batch.
        makes_files: Whether the department has a seal to make files with.
        problem: Why the last file was refused.
    """

    types: tuple[Option, ...]
    templates: tuple[TemplateRow, ...]
    max_rows: int
    max_megabytes: int
    idempotency_key: str
    makes_files: bool = True
    problem: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of the file was taken for; None: for nothing, and its content is not used."""

    heading: str
    meaning: Phrase | None


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong with one field of one row.

    Attributes:
        row: Its number in the file, the heading being 1.
        field: Which field; None for the whole row.
        expected: What was expected.
        shown: What was handed in, masked as in the report that is downloaded; empty where nothing was.
    """

    row: int
    field: Phrase | None
    expected: Phrase
    shown: str = ""


@dataclass(frozen=True, slots=True)
class BatchPage:
    """One batch.

    Attributes:
        row: As in the list.
        encoding: What the file turned out to be, e.g. `CSV · GBK`.
        columns: What each column was taken for.
        good: How many rows can be issued.
        issued: How many have been.
        errors: The first rows with errors.
        errors_download: All of them; None where there are none.
        result: What was issued, row by row; None before the end.
        remaining: How long it will still take, in words; empty where that cannot be told.
        may_start: Whether the operator may start it now.
        may_cancel: Whether the operator may cancel it now.
        two_persons: Whether somebody else must approve the use of the seal first.
        idempotency_key: Makes a form sent twice one start.
        problem: Why it was refused, or what it waits for: a sentence, then everything that is wrong.
    """

    row: BatchRow
    encoding: str
    columns: tuple[Column, ...]
    good: int
    issued: int
    errors: tuple[RowError, ...]
    errors_download: Link | None
    result: Link | None
    remaining: Phrase | None
    may_start: bool
    may_cancel: bool
    two_persons: bool
    idempotency_key: str
    problem: tuple[Phrase, ...] = ()
