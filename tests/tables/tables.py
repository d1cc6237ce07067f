"""Tables for tests: invented enterprises with right check characters, in every form."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
from stdnum.cn import uscc

from api.tables import Limits, Row, Table, open_table
from ecert.licence.types import find_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from api.tables.rows import Problems

BUSINESS = find_type("business-licence")
SMALL = Limits(rows=10, columns=20, cell=100, row=2000)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def credit_code(number: int) -> str:
    body = f"91440106DE{number:07d}"
    return body + str(uscc.calc_check_digit(body))


def company(number: int) -> dict[str, str]:
    """One row, under Chinese names."""
    code = credit_code(number)
    return {
        "证照编号": code,
        "持证主体": f"示例样品第{number}有限公司",
        "持证主体代码": code,
        "持证主体代码类型代码": "001",
        "证照有效期起始日期": "2026-01-15",
        "证照有效期截止日期": "长期",
        "证照所属管辖属地编码": "440106",
        "统一社会信用代码": code,
        "类型": "有限责任公司",
        "法定代表人": "王示例",
        "注册资本": "壹佰万元人民币",
        "成立日期": "2026-01-15",
        "营业期限": "长期",
        "住所": f"示例省样例市虚构路{number}号",
        "经营范围": "样品展示服务",
        "登记机关": "样例市市场监督管理局",
        "登记日期": "2026-01-15",
    }


def csv_bytes(rows: Sequence[Mapping[str, str]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def xlsx_bytes(rows: Iterable[Sequence[Any]], *, epoch_1904: bool = False) -> bytes:
    """Write a workbook by openpyxl."""
    book = openpyxl.Workbook()
    if epoch_1904:
        from openpyxl.utils.datetime import CALENDAR_MAC_1904  # noqa: PLC0415

        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parts(sheet: str, **others: str) -> dict[str, str]:
    """Return the parts of a workbook by hand, for what openpyxl would not write."""
    rels = f'<Relationships xmlns="{PACKAGE}">{{}}</Relationships>'
    relation = f'<Relationship Id="{{}}" Type="{RELATIONS}/{{}}" Target="{{}}"/>'
    found = {
        "_rels/.rels": rels.format(relation.format("r", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="样例" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": rels.format(
            relation.format("rId1", "worksheet", "worksheets/sheet1.xml")
            + relation.format("rId2", "sharedStrings", "sharedStrings.xml")
        ),
        "xl/worksheets/sheet1.xml": sheet,
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><t>证照编号</t></si><si><t>1</t></si></sst>',
    }
    return found | {name.replace("__", "/").replace("_xml", ".xml"): text for name, text in others.items()}


def worksheet(rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def zipped(content: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return out.getvalue()


def opened(data: bytes, limits: Limits = SMALL) -> Table:
    return open_table(io.BytesIO(data), limits)


def rows_of(data: bytes, limits: Limits = SMALL) -> list[Row]:
    return list(opened(data, limits).rows)


def contents(data: bytes, limits: Limits = SMALL) -> list[object]:
    """Return what each row holds; for a refused one what was expected."""
    return [expected(row.content) if isinstance(row.content, tuple) else row.content for row in rows_of(data, limits)]


def expected(problems: Problems) -> str:
    (problem,) = problems
    return problem.expected
