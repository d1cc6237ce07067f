"""A type to begin with: small, complete, of which licences could be issued; to be written over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from api.catalogue.sharing import Sharing
from api.service_schema import types
from ecert.errors import IssuanceError, Reason

if TYPE_CHECKING:
    from api.database import Database

NOTHING_SHARED: Final = Sharing(regions=[], budgets=[], retention_days=None)
_NUMBERS: Final = 1000


def free_code(database: Database, department: str) -> str:
    """Return the first type code of a department that no type has.

    Raises:
        IssuanceError: TYPE_STATE_CONFLICT; it has used all of them.
    """
    taken = set(database.run(select(types.c.code).where(types.c.department == department)).scalars())
    for number in range(1, _NUMBERS):
        if f"{department}{number:03}" not in taken:
            return f"{department}{number:03}"
    raise IssuanceError(Reason.TYPE_STATE_CONFLICT, "the department has used all of its codes")


def definition(code: str, authority: str) -> dict[str, Any]:
    """Return a definition of one item.

    Args:
        code: The type's code.
        authority: The name of the department.
    """
    return {
        "basicInformation": {
            "code": code,
            "version": 1,
            "slug": "sample-permit",
            "name": "样例许可证",
            "nameEn": "Sample permit",
            "sampleCode": True,
        },
        "holderInformation": {"category": "legal", "codeTypes": ["001"], "label": {"zh": "单位名称", "en": "Holder"}},
        "typeSpecificInformation": [
            {
                "name": "premises",
                "zh": "经营场所",
                "en": "Premises",
                "kind": "text",
                "sensitivity": "public",
                "example": "示例路2号",
            }
        ],
        "catalogue": {
            "category": "licence",
            "definingAuthority": {"name": authority, "code": code[:18], "level": 2},
            "issuingLevel": 4,
            "validityRanges": ["5/Y"],
        },
        "management": {"printedName": "full"},
    }


def layout(code: str) -> dict[str, Any]:
    """Return a page for it."""
    label = {"font": "hei", "size": 4.2, "colour": "#2c5f9e"}
    lines = (
        ("单位名称", "{certificateHolderName}"),
        ("统一社会信用代码", "{certificateHolderCode}"),
        ("经营场所", "{premises}"),
        ("有效期", "{certificateEffectiveDate:date} 至 {certificateExpiringDate:date}"),
        ("颁发机构", "{certificateIssuingAuthorityName}"),
    )
    texts = [
        {"text": text, "style": style, "box": [left, 78 + 13 * row, width, 9]}
        for row, line in enumerate(lines)
        for text, style, left, width in zip(line, ("label", "value"), (28, 68), (38, 130), strict=True)
    ]
    return {
        "type": code,
        "version": 1,
        "page": [297, 210],
        "seal": [232, 150],
        "styles": {
            "title": {"font": "song-bold", "size": 13, "align": "center", "spacing": 0.4},
            "number": {"font": "song", "size": 4, "align": "center"},
            "label": label,
            "value": {"font": "song", "size": 4.6},
        },
        "items": [
            {"frame": [9, 9, 279, 192], "band": 8, "stroke": "#2c5f9e", "width": 0.3},
            {"text": "样例许可证", "style": "title", "box": [60, 34, 177, 18]},
            {"text": "编号：{certificateNumber}", "style": "number", "box": [60, 56, 177, 7]},
            *texts,
            {"qr": [214, 68, 44, 44]},
        ],
        "shortNames": {"premises": "JYCS"},
    }
