"""Invented people of an invented province, and the frames of their pages."""

from __future__ import annotations

from datetime import UTC, datetime

from api.console.views.frame import Frame, Notice, Operator, Role, Section
from ecert.licence.codes import Phrase

NOW = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
DEPARTMENT = Phrase("Market Regulation of Sample Province", "样例省市场监督管理局")
TOKEN = "csrf-0123456789abcdef"
CLERK = Operator("王示例", DEPARTMENT, (Role.ISSUER_CLERK,))
REVIEWER = Operator("李样张", DEPARTMENT, (Role.REVIEWER, Role.ISSUER_CLERK))
MANAGER = Operator("陈虚构", DEPARTMENT, (Role.CATALOGUE_MANAGER,))
AUDITOR = Operator("周样品", DEPARTMENT, (Role.AUDITOR,))
REGION = Operator("赵演示", Phrase("Sample Province", "样例省"), (Role.REGION_OPERATOR,))

_SEEN = {
    CLERK: (Section.DASHBOARD, Section.ISSUE, Section.LICENCES, Section.BATCHES, Section.PROPOSALS, Section.CATALOGUE),
    REVIEWER: tuple(section for section in Section if section not in (Section.AUDIT, Section.CALLERS)),
    MANAGER: (Section.DASHBOARD, Section.CATALOGUE),
    AUDITOR: (Section.DASHBOARD, Section.CATALOGUE, Section.AUDIT),
    REGION: (Section.DASHBOARD, Section.CATALOGUE, Section.SEALS, Section.CALLERS),
}


def frame(operator: Operator, here: Section, notice: Notice | None = None) -> Frame:
    waiting = 3 if operator is REVIEWER else 0
    return Frame(operator, TOKEN, _SEEN[operator], here, waiting, development=True, notice=notice)


NOBODY = Frame(None, TOKEN, development=True)
