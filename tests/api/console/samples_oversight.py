"""The catalogue, seals, the log, callers, and what could not be done; and all pages together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from api.console.forms import Option
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
from api.console.views.frame import Role, Section
from api.console.views.interface import Chapter, Content, InterfacePage, Parameter, Route
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
from ecert.licence.codes import Phrase
from ecert.licence.types import find_type, load_catalogue
from tests.api.console.people import AUDITOR, CLERK, MANAGER, NOBODY, NOW, REGION, REVIEWER, frame
from tests.api.console.samples import SAMPLES, Sample
from tests.api.console.samples_office import OFFICE
from tests.ofd.licences import DEMO

PERMIT = find_type("construction-permit")
_CATALOGUE = DEMO.parents[1] / "ecert" / "licence"
_OURS = "样例省市场监督管理局"

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
        TypeVersion(2, TypeState.DRAFT, NOW, "陈虚构", "照面项缺少建设规模"),
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
        '{"regions": ["310000"], "budgets": [], "retention_days": null}',
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

NEW = TypePage(
    code="",
    name=Phrase("New type", "新建类型"),
    state=TypeState.DRAFT,
    version=1,
    entries=(),
    etag="",
    editor=Editor(
        "{\n}", "{\n}", "{\n}", "", (JsonProblem("", Phrase("the key basicInformation", "键 basicInformation")),)
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
            "印章遗失，先行停用 样停〔2026〕1号",
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
    (Option("", Phrase("All", "全部")), Option("operator-1", Phrase("operator-1", "王示例"))),
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
OVERSIGHT = (
    Sample("23-catalogue", frame(MANAGER, Section.CATALOGUE), CATALOGUE),
    Sample("24-type", frame(REGION, Section.CATALOGUE), TYPE),
    Sample("25-type-draft", frame(MANAGER, Section.CATALOGUE), DRAFT),
    Sample("25-type-new", frame(MANAGER, Section.CATALOGUE), NEW),
    Sample("26-seals", frame(REGION, Section.SEALS), SEALS),
    Sample("27-audit", frame(AUDITOR, Section.AUDIT), AUDIT),
    Sample("28-audit-broken", frame(AUDITOR, Section.AUDIT), replace(AUDIT, whole=False)),
    Sample("29-callers", frame(REGION, Section.CALLERS), CALLERS),
    *(Sample(f"{30 + n}-problem-{one.status}", frame(CLERK, Section.LICENCES), one) for n, one in enumerate(PROBLEMS)),
)
INTERFACE = InterfacePage(
    (
        Chapter(
            "callers",
            Phrase("Callers", "接入方"),
            (
                Route(
                    "listCallers",
                    "GET",
                    "/api/v1/callers",
                    "接入方 Who may call",
                    "Return them by identifier, those too whose access has ended.",
                    REGION.roles,
                    (Parameter("cursor", "query", required=False, schema='{"type": "string"}', about="上一页的 next"),),
                    (),
                    (Content("200", "application/json", '{\n  "type": "object"\n}', '{\n  "callers": []\n}'),),
                ),
                Route(
                    "endCaller",
                    "POST",
                    "/api/v1/callers/{key}/end",
                    "停用 End its access",
                    "",
                    (),
                    (),
                    (Content("", "application/json", '{\n  "type": "object"\n}'),),
                    (Content("204", "—"),),
                ),
            ),
        ),
    ),
    '{\n  "code": "forbidden"\n}',
)
ALL = (*SAMPLES, *OFFICE, *OVERSIGHT, Sample("35-interface", NOBODY, INTERFACE))
