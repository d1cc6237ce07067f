"""Reviews and batches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.console.forms import Option
from api.console.views.batches import (
    BatchList,
    BatchPage,
    BatchRow,
    BatchState,
    BatchUpload,
    Column,
    RowError,
    TemplateRow,
)
from api.console.views.frame import Entry, Link, Section
from api.console.views.proposals import ProposalList, ProposalPage, ProposalRow, ProposalState, Subject
from ecert.licence.codes import Phrase
from ecert.licence.types import find_type, load_catalogue
from tests.api.console.people import CLERK, NOW, REVIEWER, frame
from tests.api.console.samples import ONCE, Sample, facts
from tests.ofd.licences import DEMO

PERMIT = find_type("construction-permit")
_CATALOGUE = DEMO.parents[1] / "ecert" / "licence"
_OURS = "样例省市场监督管理局"

PROPOSALS = tuple(
    ProposalRow(f"proposal-{number}", subject, about, proposer, NOW - timedelta(hours=number * 5), state, own)
    for number, (subject, about, proposer, state, own) in enumerate(
        (
            (Subject.REVOKE, "机动车驾驶证 · 李*张 · 4400**********0030", "王示例", ProposalState.OPEN, False),
            (Subject.SEAL_USE, "存量营业执照.xlsx · 12,480 份", "王示例", ProposalState.OPEN, False),
            (
                Subject.WITHDRAW,
                "营业执照 · 广州示例样品云图智能制造科技发展有限公司",
                "李样张",
                ProposalState.OPEN,
                True,
            ),
            (Subject.CANCEL, "食品经营许可证 · 上海演示样本餐饮店", "王示例", ProposalState.APPROVED, False),
            (Subject.REVOKE, "营业执照 · 虚构贸易有限公司", "王示例", ProposalState.REJECTED, False),
        )
    )
)
_WHY = (
    Entry(Phrase("Reason", "事由"), "持证主体违法：一次记满分后拒不参加学习"),
    Entry(Phrase("Legal basis", "法律依据"), "《中华人民共和国道路交通安全法》第九十九条"),
    Entry(Phrase("Number of the decision", "决定文书文号"), "样公交决字〔2026〕第 0341 号"),
    Entry(Phrase("Takes effect", "生效时间"), "2026-11-26 00:00"),
)
PROPOSAL = ProposalPage(
    row=PROPOSALS[0],
    facts=_WHY,
    about=facts("driving-licence", masked=True)[:4],
    about_address="/console/licences/licence-2",
    picture="",
    may_decide=True,
    etag='"7"',
    idempotency_key=ONCE,
)
OWN = replace(
    PROPOSAL,
    row=PROPOSALS[2],
    picture="/console/pictures/face/business-licence/0",
    about=facts("business-licence", masked=False)[:4],
)

BATCHES = tuple(
    BatchRow(
        f"batch-{number}", file, "营业执照", state, rows, done, failed, NOW - timedelta(hours=number * 7), "王示例"
    )
    for number, (file, state, rows, done, failed) in enumerate(
        (
            ("存量营业执照-2026-11.xlsx", BatchState.RUNNING, 120_000, 48_212, 37),
            ("天河区-10月.csv", BatchState.VALIDATING, 0, 9_600, 2),
            ("越秀区-10月.csv", BatchState.READY, 18_204, 18_204, 116),
            ("番禺区-9月.ndjson", BatchState.DONE, 52_870, 52_870, 0),
            ("误传.xlsx", BatchState.CANCELLED, 4_002, 512, 0),
            ("加密.xlsx", BatchState.REFUSED, 0, 0, 0),
        )
    )
)
_COLUMNS = (
    Column("证照编号", Phrase("certificateNumber", "证照编号")),
    Column("企业名称", Phrase("certificateHolderName", "持证主体")),
    Column("统一社会信用代码", Phrase("creditCode", "统一社会信用代码")),
    Column("法定代表人", Phrase("legalRepresentative", "法定代表人")),
    Column("经营范围", Phrase("businessScope", "经营范围")),
    Column("备注", None),
)
_CREDIT = Phrase("a credit code with its check character", "18 位统一社会信用代码，校验位正确")
_SPANS = Phrase("a last day that makes one of 10/Y, 20/Y, 30/Y", "有效期限为下列之一：10/Y、20/Y、30/Y")
_NEW = Phrase("a number not issued yet", "尚未制发过的证照编号")
_ERRORS = (
    RowError(14, Phrase("creditCode", "统一社会信用代码"), _CREDIT, "9144**********049A"),
    RowError(14, Phrase("businessScope", "经营范围"), Phrase("a value; it is required", "必填")),
    RowError(207, Phrase("certificateExpiringDate", "证照有效期截止日期"), _SPANS, "2031-03-07"),
    RowError(1_880, None, Phrase("text in UTF-8 or GBK", "UTF-8 或 GBK 编码的文字")),
    RowError(9_051, Phrase("certificateNumber", "证照编号"), _NEW, "9144**********0498"),
)
RUNNING = BatchPage(
    row=BATCHES[0],
    encoding="XLSX · 工作表 Sheet1",
    columns=_COLUMNS,
    good=119_963,
    issued=48_175,
    errors=_ERRORS,
    errors_download=Link("/console/batches/batch-0/errors.csv", Phrase("Download all", "下载错误清单")),
    result=None,
    remaining=Phrase("about 8 minutes to go", "约剩 8 分钟"),
    may_start=False,
    may_cancel=True,
    two_persons=True,
    idempotency_key=ONCE,
)
READY = replace(
    RUNNING, row=BATCHES[2], encoding="CSV · GBK · 逗号分隔", good=18_088, issued=0, remaining=None, may_start=True
)
DONE = replace(
    RUNNING,
    row=BATCHES[3],
    encoding="NDJSON · UTF-8",
    good=52_870,
    issued=52_870,
    errors=(),
    errors_download=None,
    result=Link("/console/batches/batch-3/result.csv", Phrase("Download the result", "下载结果"), "6.1 MB"),
    remaining=None,
    may_cancel=False,
)
UPLOAD = BatchUpload(
    (
        Option("", Phrase("From the column in the file", "以文件中的“证照类型代码”列为准")),
        *(Option(one.code, Phrase(one.name_en, one.name)) for one in load_catalogue().values()),
    ),
    tuple(
        TemplateRow(
            Phrase(one.name_en, one.name),
            (
                Link(f"/console/batches/templates/{one.code}.csv", Phrase("CSV", "CSV 模板")),
                Link(f"/console/batches/templates/{one.code}.xlsx", Phrase("XLSX", "XLSX 模板")),
            ),
        )
        for one in load_catalogue().values()
    ),
    500_000,
    200,
    ONCE,
)


OFFICE = (
    Sample("14-proposals", frame(REVIEWER, Section.PROPOSALS), ProposalList(PROPOSALS, "cursor-2")),
    Sample("15-proposal", frame(REVIEWER, Section.PROPOSALS), PROPOSAL),
    Sample("16-proposal-own", frame(REVIEWER, Section.PROPOSALS), OWN),
    Sample(
        "17-proposal-decided",
        frame(CLERK, Section.PROPOSALS),
        replace(
            PROPOSAL,
            row=PROPOSALS[4],
            picture="",
            decided_by="李样张",
            decided_at=NOW,
            note="文号与附件不一致，请核对后重新提出。",
        ),
    ),
    Sample("18-batches", frame(CLERK, Section.BATCHES), BatchList(BATCHES, "", may_create=True)),
    Sample("19-batch-upload", frame(CLERK, Section.BATCHES), UPLOAD),
    Sample("20-batch-ready", frame(CLERK, Section.BATCHES), READY),
    Sample("21-batch-running", frame(CLERK, Section.BATCHES), RUNNING),
    Sample("22-batch-done", frame(CLERK, Section.BATCHES), DONE),
)
