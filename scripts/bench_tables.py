"""How fast and in how much memory tables are read and checked: 300,000 invented enterprises in each form."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_figures import figure

from api.tables import check_row, open_table
from ecert.licence.application import Application
from ecert.licence.types import find_type
from tests.tables.tables import MAIN, company, csv_bytes, parts

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 300_000
STEP = 10_000
BUSINESS = find_type("business-licence")


def measure_tables() -> list[dict[str, Any]]:
    """Write the tables, then read each in a process of its own."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for name, write in (("csv", _csv), ("gb18030.csv", _gb), ("ndjson", _ndjson), ("xlsx", _xlsx)):
            path = Path(folder) / f"table.{name}"
            write(path)
            done = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, text=True, check=True)
            read, checked, megabytes, before = json.loads(done.stdout)
            figures.append(figure(f"{name}, read", read, "1/s", "", None))
            figures.append(figure(f"{name}, read and checked", checked, "1/s", "", None))
            figures.append(figure(f"{name}, peak memory", megabytes, "MB", "the process before", before))
            path.unlink()
    return figures


def _steps() -> Iterator[list[dict[str, str]]]:
    for first in range(0, ROWS, STEP):
        yield [company(number) for number in range(first, first + STEP)]


def _delimited(path: Path, encoding: str) -> None:
    with path.open("wb") as out:
        for at, rows in enumerate(_steps()):
            data = csv_bytes(rows, encoding)
            out.write(data if at == 0 else data[data.index(b"\n") + 1 :])


def _csv(path: Path) -> None:
    _delimited(path, "utf-8")


def _gb(path: Path) -> None:
    _delimited(path, "gb18030")


def _ndjson(path: Path) -> None:
    fields = {field.zh: field.name for field in BUSINESS.fields}
    with path.open("w", encoding="utf-8") as out:
        for rows in _steps():
            out.writelines(json.dumps(_application(row, fields), ensure_ascii=False) + "\n" for row in rows)


def _application(row: dict[str, str], fields: dict[str, str]) -> dict[str, object]:
    return {
        "certificateTypeCode": BUSINESS.code,
        "certificateNumber": row["证照编号"],
        "certificateHolderName": row["持证主体"],
        "certificateHolderCode": row["持证主体代码"],
        "certificateHolderTypeCode": "001",
        "certificateEffectiveDate": "2026-01-15",
        "certificateExpiringDate": None,
        "certificateAreaCode": "440106",
        "extendInfo": {fields[zh]: value for zh, value in row.items() if zh in fields},
    }


def _xlsx(path: Path) -> None:
    """Write a workbook as spreadsheet programs do, with shared texts."""
    shared: dict[str, int] = {}
    content = parts("")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w") as out:
            out.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            out.write(_xml_row(1, list(company(0)), shared))
            for at, row in enumerate((row for rows in _steps() for row in rows), 2):
                out.write(_xml_row(at, list(row.values()), shared))
            out.write(b"</sheetData></worksheet>")
        strings = "".join(f"<si><t>{text}</t></si>" for text in shared)
        content["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{strings}</sst>'
        for name, text in content.items():
            if name != "xl/worksheets/sheet1.xml":
                archive.writestr(name, text)


def _xml_row(number: int, cells: list[str], shared: dict[str, int]) -> bytes:
    texts = (shared.setdefault(cell, len(shared)) for cell in cells)
    marks = (f'<c r="{chr(65 + at)}{number}" t="s"><v>{text}</v></c>' for at, text in enumerate(texts))
    return f'<row r="{number}">{"".join(marks)}</row>'.encode()


def _megabytes() -> float:
    """Return this process's peak memory in MB; `getrusage` would tell its parent's where that is higher."""
    peak = re.search(r"VmHWM:\s*([0-9]+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(peak[1]) / 1024 if peak else 0.0


def _measure_one(path: Path) -> None:
    """Print rows read a second, rows checked a second, and peak memory in MB after and before."""
    before = _megabytes()
    rates = []
    for check in (False, True):
        began, count, good = time.process_time(), 0, 0
        with path.open("rb") as file:
            for count, row in enumerate(open_table(file).rows, 1):  # noqa: B007
                good += check and isinstance(check_row(row, BUSINESS), Application)
        if count != ROWS or (check and good != ROWS):
            raise SystemExit(f"{path}: {count} rows, {good} of them good")
        rates.append(count / (time.process_time() - began))
    print(json.dumps([*rates, _megabytes(), before]))


if __name__ == "__main__":
    _measure_one(Path(sys.argv[1]))
