"""The other pages: reviews, batches, the catalogue, seals, the log, callers, and what could not be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

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
from api.console.views.catalogue import (
    HOLDERS,
    CatalogueList,
    DependencyRow,
    Editor,
    FreshnessBudget,
    JsonProblem,
    TypeAction,
    TypePage,
    TypeRow,
    TypeState,
    TypeVersion,
    catalogue_entries,
)
from api.console.views.frame import Entry, Link, Role, Section
from api.console.views.oversight import (
    AuditHead,
    AuditPage,
    AuditRow,
    CallerList,
    CallerState,
    OperatorRow,
    ProblemPage,
    SealAction,
    SealCard,
    SealRegister,
    SealState,
    SystemRow,
)
from api.console.views.proposals import ProposalList, ProposalPage, ProposalRow, ProposalState, Subject
from ecert.licence.codes import Phrase
from ecert.licence.types import find_type, load_catalogue
from tests.api.console.people import AUDITOR, CLERK, MANAGER, NOW, REGION, REVIEWER, frame
from tests.api.console.samples import ONCE, SAMPLES, Sample, facts
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
_ERRORS = tuple(
    RowError(row, field, expected)
    for row, field, expected in (
        (
            14,
            Phrase("creditCode", "统一社会信用代码"),
            Phrase("a credit code with its check character", "18 位统一社会信用代码，校验位正确"),
        ),
        (14, Phrase("businessScope", "经营范围"), Phrase("a value; it is required", "必填")),
        (
            207,
            Phrase("certificateExpiringDate", "证照有效期截止日期"),
            Phrase("a last day that makes one of 10/Y, 20/Y, 30/Y", "有效期限为下列之一：10/Y、20/Y、30/Y"),
        ),
        (1_880, None, Phrase("text in UTF-8 or GBK", "UTF-8 或 GBK 编码的文字")),
        (9_051, Phrase("certificateNumber", "证照编号"), Phrase("a number not issued yet", "尚未制发过的证照编号")),
    )
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

_TYPE_STATES = (TypeState.PUBLISHED,) * 5 + (TypeState.REVIEW, TypeState.DRAFT, TypeState.DISABLED)
TYPES = tuple(
    TypeRow(
        one.code,
        Phrase(one.name_en, one.name),
        one.authority.name,
        HOLDERS[one.holder_category],
        one.version,
        state,
        NOW - timedelta(days=n * 11),
    )
    for n, (one, state) in enumerate(zip(load_catalogue().values(), _TYPE_STATES, strict=True))
)
CATALOGUE = CatalogueList(
    TYPES, tuple((state, _TYPE_STATES.count(state)) for state in TypeState), None, may_create=True
)
TYPE = TypePage(
    code=PERMIT.code,
    name=Phrase(PERMIT.name_en, PERMIT.name),
    state=TypeState.PUBLISHED,
    version=PERMIT.version,
    entries=catalogue_entries(PERMIT),
    etag='"3"',
    sample="/console/pictures/face/construction-permit/0",
    actions=(TypeAction.REVISE, TypeAction.DISABLE),
    versions=(
        TypeVersion(2, TypeState.DRAFT, NOW, "陈虚构"),
        TypeVersion(1, TypeState.PUBLISHED, NOW - timedelta(days=300), "赵演示"),
    ),
    depends_on=(
        DependencyRow(
            find_type("business-licence").code,
            Phrase("Business licence", "营业执照"),
            "上游注销时依《中华人民共和国行政许可法》第七十条第（三）项注销",
        ),
    ),
    shared_with=(
        Phrase("Shanghai", "上海市"),
        Phrase("Jiangsu", "江苏省"),
        Phrase("Zhejiang", "浙江省"),
        Phrase("Anhui", "安徽省"),
    ),
    budgets=(
        FreshnessBudget(Phrase("All matters", "所有事项"), timedelta(days=1), timedelta(hours=1)),
        FreshnessBudget(Phrase("Registration of real estate", "不动产登记"), None, timedelta(minutes=5)),
    ),
)
DRAFT = replace(
    TYPE,
    state=TypeState.DRAFT,
    version=2,
    actions=(TypeAction.SUBMIT,),
    sample="",
    editor=Editor(
        (_CATALOGUE / "catalogue" / "construction-permit.json").read_text("utf-8"),
        (_CATALOGUE / "layouts" / "construction-permit.json").read_text("utf-8"),
        '"4"',
        (
            JsonProblem(
                "/typeSpecificInformation/3/kind",
                Phrase(
                    "one of text, date, integer, decimal, code, choice",
                    "text、date、integer、decimal、code、choice 之一",
                ),
            ),
        ),
    ),
)

SEALS = SealRegister(
    (
        SealCard(
            "seal-1",
            _OURS,
            "44000000000017",
            Phrase("Seal of the legal name", "法定名称章"),
            _OURS,
            "样例省电子印章制作中心",
            SealState.ACTIVE,
            f"/console/pictures/seal/{_OURS}",
            date(2026, 1, 1),
            date(2030, 12, 31),
            318,
            500,
            (SealAction.SUSPEND, SealAction.CANCEL),
        ),
        SealCard(
            "seal-2",
            "样例省市场监督管理局许可专用章",
            "44000000000025",
            Phrase("Seal for one business", "业务专用章"),
            _OURS,
            "样例省电子印章制作中心",
            SealState.SUSPENDED,
            f"/console/pictures/seal/{_OURS}/许可专用章",
            date(2026, 1, 1),
            date(2030, 12, 31),
            0,
            200,
            (SealAction.REINSTATE, SealAction.CANCEL),
        ),
        SealCard(
            "seal-3",
            "样例省住房和城乡建设厅",
            "44000000000033",
            Phrase("Seal of the legal name", "法定名称章"),
            "样例省住房和城乡建设厅",
            "样例省电子印章制作中心",
            SealState.CANCELLED,
            "/console/pictures/seal/样例省住房和城乡建设厅",
            date(2021, 1, 1),
            date(2025, 12, 31),
            0,
            100,
        ),
    )
)
_ACTIONS = (
    (Phrase("Licence issued", "制发证照"), "licence.issued", "1.2.156.3005.2…HIJ.001.2", True),
    (Phrase("Masked fields revealed", "查看完整内容"), "licence.revealed", "licence-2", True),
    (Phrase("Revocation proposed", "提出吊销"), "proposal.made", "proposal-0", True),
    (Phrase("Proposal approved", "批准提议"), "proposal.approved", "proposal-3", True),
    (Phrase("Own proposal approved", "批准本人提议"), "proposal.approved", "proposal-2", False),
    (Phrase("Batch started", "开始批次"), "batch.started", "batch-0", True),
    (Phrase("Signed in", "登录"), "operator.signed-in", "operator-2", True),
)
AUDIT = AuditPage(
    (Option("", Phrase("All", "全部")), *(Option(code, words) for words, code, _, _ in _ACTIONS[:4])),
    {"actor": "", "action": "", "from": "2026-11-01", "to": ""},
    tuple(
        AuditRow(
            918_204 - n,
            NOW - timedelta(minutes=n * 7),
            ("王示例", "李样张")[n % 2],
            words,
            code,
            about,
            done,
            f"{(n + 3) * 7_368_787:08x}",
        )
        for n, (words, code, about, done) in enumerate(_ACTIONS)
    ),
    whole=True,
    verified_at=NOW - timedelta(minutes=12),
    entries=918_204,
    heads=tuple(
        AuditHead(
            918_200 - n * 1000,
            f"{(n + 7) * 9_876_543_210_123_456_789:064x}",
            NOW - timedelta(minutes=5 + 60 * n),
            "audit-2026-1",
        )
        for n in range(3)
    ),
    next_cursor="918197",
)
CALLERS = CallerList(
    (
        SystemRow(
            "system-1",
            "一网通办受理系统",
            _OURS,
            (Role.ISSUER_CLERK,),
            "3f9a0c2b7d114e60",
            600,
            CallerState.ACTIVE,
            NOW,
        ),
        SystemRow(
            "system-2", "旧版制证客户端", _OURS, (Role.ISSUER_CLERK,), "a0417e55c2b98d13", 60, CallerState.ENDED, None
        ),
    ),
    tuple(
        OperatorRow(
            f"operator-{n}",
            one.name,
            one.department.zh,
            one.roles,
            CallerState.ACTIVE,
            NOW - timedelta(hours=n) if n else None,
        )
        for n, one in enumerate((CLERK, REVIEWER, MANAGER, AUDITOR))
    ),
    may_end=True,
)


def problem(
    status: int, code: str, title: Phrase, remedy: Phrase, errors: tuple[tuple[str, str], ...] = ()
) -> ProblemPage:
    return ProblemPage(status, code, title, remedy, "4bf92f3577b34da6a3ce929d0e0e4736", errors)


PROBLEMS = (
    problem(
        403,
        "forbidden",
        Phrase("Your roles do not allow this", "您的角色不能进行此操作"),
        Phrase("Ask the region operator for the role", "如需此角色，请联系地区管理员"),
    ),
    problem(
        404,
        "not-found",
        Phrase("There is nothing at this address", "没有这个地址"),
        Phrase("Check the address", "请核对地址"),
    ),
    problem(
        409,
        "changed-meanwhile",
        Phrase("It was changed meanwhile", "在您填写期间，内容已被他人更改"),
        Phrase("Open it again, and decide on what it is now", "请重新打开，按最新内容办理"),
    ),
    problem(
        422,
        "request-invalid",
        Phrase("The request is not as the interface asks", "提交的内容不符合要求"),
        Phrase("Mend what is listed", "请按逐项提示修改"),
        (("/effective_at", "a time not before the licence was issued"),),
    ),
    problem(
        500,
        "internal",
        Phrase("Something went wrong in the service", "服务内部出错"),
        Phrase("Try again; if it stays, tell the operators the trace id", "请稍后重试；仍不行请把追踪号告诉运维人员"),
    ),
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
    Sample("23-catalogue", frame(MANAGER, Section.CATALOGUE), CATALOGUE),
    Sample("24-type", frame(REGION, Section.CATALOGUE), TYPE),
    Sample("25-type-draft", frame(MANAGER, Section.CATALOGUE), DRAFT),
    Sample("26-seals", frame(REGION, Section.SEALS), SEALS),
    Sample("27-audit", frame(AUDITOR, Section.AUDIT), AUDIT),
    Sample("28-audit-broken", frame(AUDITOR, Section.AUDIT), replace(AUDIT, whole=False)),
    Sample("29-callers", frame(REGION, Section.CALLERS), CALLERS),
    *(Sample(f"{30 + n}-problem-{one.status}", frame(CLERK, Section.LICENCES), one) for n, one in enumerate(PROBLEMS)),
)
ALL = (*SAMPLES, *OFFICE)
