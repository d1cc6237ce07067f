"""Every page of the console with invented data, in every state that looks different."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from api.console.decisions import decision_form
from api.console.forms import Option, licence_form
from api.console.posted import form_values
from api.console.views.catalogue import HOLDERS
from api.console.views.entrance import Dashboard, DevelopmentAccount, SignIn
from api.console.views.frame import Entry, Link, Notice, Section
from api.console.views.issuing import ChooseType, IssuableType, Issued, IssueForm, Preview
from api.console.views.licences import (
    Action,
    Decision,
    LicencePage,
    LicenceRow,
    LicenceState,
    LicenceVersion,
    Search,
    StatusEntry,
)
from ecert.errors import FieldProblem, IssuanceError
from ecert.licence.application import check_application, parse_application
from ecert.licence.codes import Phrase
from ecert.licence.masking import mask_code, mask_name
from ecert.licence.types import find_type, load_catalogue
from tests.api.console.people import CLERK, NOBODY, NOW, REVIEWER, frame
from tests.api.console.pictures import application

if TYPE_CHECKING:
    from api.console.pages import View
    from api.console.views.frame import Frame

BUSINESS, DRIVING = find_type("business-licence"), find_type("driving-licence")
IDENTIFIER = f"1.2.156.3005.2.{DRIVING.code}.11440000DEMX00001X.0123456789ABCDEFGHIJ.002.K"
ONCE = "01JDEMO0000000000000000000"
_DOWNLOADS = (
    Link("/console/files/1.ofd", Phrase("", "OFD"), "182 KB"),
    Link("/console/files/1.pdf", Phrase("", "PDF"), "96 KB"),
    Link("/console/files/1.png", Phrase("", "PNG"), "240 KB"),
)
_QR = "/console/pictures/qr"


@dataclass(frozen=True, slots=True)
class Sample:
    """One page: the name of its picture, what stands around it, what it shows."""

    name: str
    frame: Frame
    view: View


def _type_name(slug: str) -> Phrase:
    definition = find_type(slug)
    return Phrase(definition.name_en, definition.name)


SIGN_IN = SignIn(
    "/console/sign-in/unified",
    tuple(
        DevelopmentAccount(f"/console/sign-in/unified?account=operator-{number}", one.name, one.department, one.roles)
        for number, one in enumerate((CLERK, REVIEWER))
    ),
)
DASHBOARD = Dashboard(
    today=date(2026, 11, 25),
    issued_today=285,
    in_force=482_906,
    expiring_soon=1_204,
    soon_days=30,
    revoked=87,
    waiting=3,
    batches_running=2,
    per_day=tuple(
        (date(2026, 10, 27) + timedelta(days=day), (day * 37 + 211) % 190 + (120 if day % 7 < 5 else 8))
        for day in range(30)
    ),
    by_type=(
        (_type_name("business-licence"), 301_552),
        (_type_name("food-business-licence"), 121_870),
        (_type_name("driving-licence"), 41_002),
        (_type_name("vehicle-licence"), 17_460),
        (_type_name("construction-permit"), 1_022),
    ),
    by_state=(
        (LicenceState.VALID, 482_906),
        (LicenceState.SUSPENDED, 1_211),
        (LicenceState.EXPIRED, 9_310),
        (LicenceState.SUPERSEDED, 20_118),
        (LicenceState.CANCELLED, 6_022),
        (LicenceState.REVOKED, 87),
    ),
)
CHOOSE = ChooseType(
    tuple(
        IssuableType(one.code, Phrase(one.name_en, one.name), HOLDERS[one.holder_category], one.version)
        for one in load_catalogue().values()
    )
)


def _form(slug: str, values: dict[str, str], problems: tuple[FieldProblem, ...] = ()) -> IssueForm:
    definition = find_type(slug)
    form = licence_form(definition, values, problems, portrait=slug == "driving-licence")
    return IssueForm(definition.code, _type_name(slug), form)


def _found(slug: str, source: dict[str, object]) -> tuple[FieldProblem, ...]:
    try:
        return check_application(parse_application(source), find_type(slug))
    except IssuanceError as error:
        return error.problems


_WRONG = {
    **application("driving-licence"),
    "certificateHolderCode": "440000198511260031",
    "certificateExpiringDate": "2031-04-18",
    "extendInfo": {"sex": "男", "nationality": "中国", "vehicleClass": "Z9", "birthDate": "1985-11-26"},
}
EMPTY_FORM = _form("driving-licence", {})
BUSINESS_FORM = _form("business-licence", form_values(application("business-licence")))
WRONG_FORM = _form(
    "driving-licence",
    form_values(_WRONG),
    _found("driving-licence", {**_WRONG, "certificateNumber": "440000198511260030"}),
)


def facts(slug: str, *, masked: bool) -> tuple[Entry, ...]:
    """What a licence says, as on its page."""
    source, definition = application(slug), find_type(slug)
    name, code = str(source["certificateHolderName"]), str(source["certificateHolderCode"])
    number, own = str(source["certificateNumber"]), source["extendInfo"]
    assert isinstance(own, dict)
    hidden = {"sex": "***", "nationality": "中*", "address": "***", "birthDate": "***", "fileNumber": "440****001"}
    return (
        Entry(
            Phrase(definition.holder_label.en, definition.holder_label.zh), mask_name(name) if masked else name, masked
        ),
        Entry(Phrase("Holder's code", "持证主体代码"), mask_code(code) if masked else code, masked, code=True),
        Entry(Phrase("Licence number", "证照编号"), mask_code(number) if masked else number, masked, code=True),
        Entry(
            Phrase("In force", "有效期"),
            f"{source['certificateEffectiveDate']} 至 {source['certificateExpiringDate'] or '长期'}",
        ),
        *(
            Entry(
                Phrase(field.en, field.zh),
                hidden[field.name] if masked and field.name in hidden else str(own[field.name]),
                masked and field.name in hidden,
            )
            for field in definition.fields
            if field.name in own and field.same_as is None
        ),
    )


PREVIEW = Preview(
    "draft-7f3a",
    BUSINESS.code,
    _type_name("business-licence"),
    "/console/pictures/draft/business-licence",
    facts("business-licence", masked=False),
    "样例省市场监督管理局（44000000000017）",
    two_persons=False,
    idempotency_key=ONCE,
)
ISSUED = Issued(
    "licence-1",
    BUSINESS.code,
    _type_name("business-licence"),
    f"1.2.156.3005.2.{BUSINESS.code}.11440000DEMX00001X.0123456789ABCDEFGHIJ.001.2",
    "91440106DEMX000498",
    "广州示例样品云图智能制造科技发展有限公司",
    NOW,
    "/console/pictures/face/business-licence/0",
    _QR,
    _DOWNLOADS,
)
_TYPES = (
    Option("", Phrase("All", "全部")),
    *(Option(one.code, Phrase(one.name_en, one.name)) for one in load_catalogue().values()),
)
_NAMES = (
    "广州示例样品云图智能制造科技发展有限公司",
    "深圳虚构样例电子有限公司",
    "李*张",
    "上海演示样本梧桐里文化传播有限公司",
    "陈*构",
    "阿****************克",
)
_STATES = (
    LicenceState.VALID,
    LicenceState.VALID,
    LicenceState.SUSPENDED,
    LicenceState.SUPERSEDED,
    LicenceState.REVOKED,
    LicenceState.EXPIRED,
    LicenceState.VALID,
    LicenceState.CANCELLED,
)
ROWS = tuple(
    LicenceRow(
        f"licence-{number}",
        BUSINESS.name if "公司" in _NAMES[number % 6] else DRIVING.name,
        "9144****0498" if "公司" in _NAMES[number % 6] else "4400**********0030",
        _NAMES[number % 6],
        _STATES[number],
        date(2026, 1, 15) + timedelta(days=number * 31),
        None if number % 3 == 0 else date(2036, 1, 14) + timedelta(days=number * 31),
        NOW - timedelta(days=number * 9, hours=number),
    )
    for number in range(8)
)
SEARCH = Search(
    _TYPES, {"type": "", "state": "", "number": "", "holder_code": "", "from": "2026-01-01", "to": ""}, ROWS, "cursor-2"
)
NOTHING = Search(_TYPES, {"number": "91440106DEMX000000"}, ())
LICENCE = LicencePage(
    key="licence-2",
    type_name=_type_name("driving-licence"),
    identifier=IDENTIFIER,
    state=LicenceState.SUSPENDED,
    picture="",
    qr=_QR,
    facts=facts("driving-licence", masked=True),
    versions=(
        LicenceVersion("licence-2", 2, LicenceState.SUSPENDED, NOW - timedelta(days=40)),
        LicenceVersion("licence-1", 1, LicenceState.SUPERSEDED, NOW - timedelta(days=400)),
    ),
    history=(
        StatusEntry(
            LicenceState.SUSPENDED,
            NOW - timedelta(days=3),
            NOW + timedelta(days=27),
            "立案调查期间暂扣",
            "《中华人民共和国道路交通安全法》第一百一十条",
            "样公交决字〔2026〕第 0317 号",
            "王示例",
            "李样张",
        ),
        StatusEntry(
            LicenceState.VALID,
            NOW - timedelta(days=40),
            None,
            "住址变更，换发第 002 版",
            "《机动车驾驶证申领和使用规定》第六十三条",
            "样公交换字〔2026〕第 1180 号",
            "王示例",
        ),
    ),
    downloads=_DOWNLOADS,
    actions=(
        Action.CHANGE,
        Action.RENEW,
        Action.REINSTATE,
        Action.TRANSFER,
        Action.MARK_LOST,
        Action.CANCEL,
        Action.WITHDRAW,
        Action.REVOKE,
    ),
    flags=(Phrase("A licence it depends on has changed", "关联证照已变更"),),
    paper_serial="440000 3174 0021",
    may_reveal=True,
)
_SUMMARY = (
    Entry(Phrase("Type", "证照类型"), DRIVING.name),
    Entry(Phrase("Holder", "持证主体"), "李*张", masked=True),
    Entry(Phrase("Identifier", "证照标识"), IDENTIFIER, code=True),
)
REVOKE = Decision(
    "licence-2",
    Action.REVOKE,
    _SUMMARY,
    (
        decision_form(
            Action.REVOKE,
            {"/effective_at": "2026-11-25T09:30", "/reason_code": "unlawful-act"},
            (FieldProblem("/document", "a value; it is required", "必填"),),
        ),
    ),
    two_persons=True,
    idempotency_key=ONCE,
    etag='"7"',
)
CHANGE = Decision(
    "licence-2",
    Action.CHANGE,
    _SUMMARY,
    (
        decision_form(Action.CHANGE, {"/effective_at": "2026-11-25T09:30"}),
        licence_form(DRIVING, form_values(application("driving-licence"))),
    ),
    two_persons=False,
    idempotency_key=ONCE,
    etag='"7"',
)

_SAVED = Notice(Phrase("The copy of the licence was downloaded and logged.", "文件下载已记入日志。"))
SAMPLES = (
    Sample("01-sign-in", NOBODY, SIGN_IN),
    Sample("02-dashboard", frame(REVIEWER, Section.DASHBOARD), DASHBOARD),
    Sample("03-issue-choose", frame(CLERK, Section.ISSUE), CHOOSE),
    Sample("04-issue-form", frame(CLERK, Section.ISSUE), BUSINESS_FORM),
    Sample("05-issue-form-wrong", frame(CLERK, Section.ISSUE), WRONG_FORM),
    Sample("06-issue-preview", frame(CLERK, Section.ISSUE), PREVIEW),
    Sample("07-issue-done", frame(CLERK, Section.ISSUE), ISSUED),
    Sample("08-licences", frame(REVIEWER, Section.LICENCES), SEARCH),
    Sample("09-licences-none", frame(REVIEWER, Section.LICENCES), NOTHING),
    Sample("10-licence", frame(REVIEWER, Section.LICENCES, _SAVED), LICENCE),
    Sample(
        "11-licence-revealed",
        frame(REVIEWER, Section.LICENCES),
        replace(
            LICENCE,
            picture="/console/pictures/face/driving-licence/0",
            facts=facts("driving-licence", masked=False),
            revealed=True,
            pending="proposal-1",
            actions=(),
            flags=(),
        ),
    ),
    Sample("12-revoke", frame(CLERK, Section.LICENCES), REVOKE),
    Sample("13-change", frame(CLERK, Section.LICENCES), CHANGE),
)
