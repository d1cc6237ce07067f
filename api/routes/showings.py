"""What windows ask: `/api/v1/showings/redeem`, `/api/v1/consents`, `/api/v1/uses` (`docs/presenting.md`)."""

from base64 import b64decode
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from api.access.guard import Visit
from api.office import Office
from api.routes.bodies import json_body
from api.showing.asking import Asking
from api.showing.bodies import HolderBody, Identifier, Name, RequesterBody, Said, Told, UseBody, WantedBody
from api.showing.counter import Counter, RedeemedBody
from api.showing.handing import HandedBody, Visitor
from ecert.licence.identifier import parse_identifier
from ecert.presentation import Answer, Consent, CounterConsent, CounterForm, Requester, Use, Wanted, Way
from ecert.presentation.consent import MAX_ITEMS
from ecert.qr import MAX_TEXT
from ecert.web.problems import Code, FieldError, Problem, read_json

_USE: dict[str, Any] = {
    "matter": "社会保障卡申领",
    "item_code": "SH-SBK-01",
    "business_no": "20261125-0001",
    "purpose": "办理社会保障卡申领",
}


class RedeemBody(Said):
    """A dynamic code as it was scanned.

    Attributes:
        text: The code's text, with what a keyboard made of it undone.
        window: The window as people know it.
        operator: The clerk's identifier.
        use: What the licences are used for; null for a look at their faces alone.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "HTTPS://ZZ.EXAMPLE/D#…", "window": "浦东3号窗口", "operator": "clerk-7", "use": _USE}
            ]
        }
    )

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    window: Name
    operator: Name
    use: UseBody | None


class AskBody(Said):
    """A request for a holder's consent.

    Attributes:
        requester: Who asks: the caller's own unit. The holder reads the name that it is registered by.
        use: What for.
        wanted: Types of licence, and the fields to be read in each, by their names in ascending order.
        holder: Whose.
        answer_by: The first instant it is no longer answered, within 7 days.
        until: The first instant the grant no longer holds, within 366 days.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "requester": {"code": "11310000DEMH10023M", "name": "上海样例政务服务中心", "operator": "clerk-7"},
                    "use": _USE,
                    "wanted": [{"type": "11100000000013127D001", "fields": ["certificateHolderName"]}],
                    "holder": {"code_type": "111", "code": "440000199003070024", "name": "王示例"},
                    "answer_by": "2026-11-25T02:35:00Z",
                    "until": "2026-11-26T02:30:00Z",
                }
            ]
        }
    )

    requester: RequesterBody
    use: UseBody
    wanted: Annotated[list[WantedBody], Field(min_length=1, max_length=MAX_ITEMS)]
    holder: HolderBody
    answer_by: AwareDatetime
    until: AwareDatetime


class PullBody(Said):
    """Who fetches what was consented to."""

    window: Name
    operator: Name


class CounterBody(Said):
    """Consent of somebody without a phone, as the window keeps it.

    Attributes:
        form: On paper, or in handwriting on a screen.
        evidence: SM3 of the scanned paper or of the strokes, in hexadecimal.
        until: The first instant it no longer holds, within 366 days.
    """

    form: Annotated[CounterForm, Field(strict=False)]
    evidence: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    until: AwareDatetime


class PullWithoutPhoneBody(PullBody):
    """Licences wanted on another ground than a phone's.

    Attributes:
        use: What for.
        wanted: Types of licence, and the fields to be read in each, by their names in ascending order.
        holder: Whose.
        consent: What the holder signed at the counter; null: the law lets the unit see them (依职能).
    """

    use: UseBody
    wanted: Annotated[list[WantedBody], Field(min_length=1, max_length=MAX_ITEMS)]
    holder: HolderBody
    consent: CounterBody | None


class ReportBody(Said):
    """A use that a window tells of: the code on a printed licence was scanned.

    Attributes:
        identifier: 证照标识; or
        face: The sealed face record in the code, base64.
        window: The window as people know it.
        operator: The clerk's identifier.
        use: What for; null where nothing was done with it.
        way: How.
    """

    identifier: Identifier | None = None
    face: Annotated[str, Field(max_length=16 * 1024)] | None = None
    window: Name
    operator: Name
    use: UseBody | None
    way: Literal["printed-code", "file"]

    @model_validator(mode="after")
    def _names_one_licence(self) -> "ReportBody":
        if (self.identifier is None) is (self.face is None):
            raise ValueError("either an identifier or a face names the licence")
        return self


class StandingBody(Told):
    """How a request stands."""

    id: str
    answer: Answer
    asked_at: datetime
    answered_at: datetime | None
    answer_by: datetime
    until: datetime


class PulledBody(Told):
    """The licences that were consented to."""

    licences: list[HandedBody]


def router(office: Office) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["showings"])
    counter, asking = Counter(office.place), Asking(office.place)

    @routes.post(
        "/api/v1/showings/redeem",
        operation_id="redeemShowing",
        summary="核销动态码 Take what a phone shows, once",
        openapi_extra=json_body(RedeemBody),
    )
    async def redeem(request: Request, visit: Annotated[Visit, Depends(office.guard("redeemShowing"))]) -> RedeemedBody:
        """Take it: the faces alone, or, for a use, records, annotated copies and grants."""
        body = read_json(RedeemBody, await request.body())
        return await counter.redeem(_visitor(visit, body.window, body.operator), body.text, _use(body.use))

    @routes.post(
        "/api/v1/consents",
        status_code=201,
        operation_id="askConsent",
        summary="请求授权 Ask a holder for consent",
        openapi_extra=json_body(AskBody),
    )
    async def ask(request: Request, visit: Annotated[Visit, Depends(office.guard("askConsent"))]) -> StandingBody:
        """Ask; the answer is the same whether or not anybody here is that holder."""
        body = read_json(AskBody, await request.body())
        if body.requester.code != visit.principal.department:
            raise Problem(Code.FORBIDDEN, "a unit asks for itself alone")
        consent = await asking.ask(
            _visitor(visit, visit.principal.name, body.requester.operator),
            Use(**body.use.model_dump()),
            _wanted(body.wanted),
            body.holder.holder(),
            answer_by=_whole(body.answer_by),
            until=_whole(body.until),
        )
        return _standing(consent, office.clock())

    @routes.get("/api/v1/consents/{key}", operation_id="readConsent", summary="授权请求的状态 How a request stands")
    async def read(key: str, visit: Annotated[Visit, Depends(office.guard("readConsent"))]) -> StandingBody:
        """Return it to the unit that asked."""
        return _standing(await asking.consent(visit.principal.department or "", key), office.clock())

    @routes.post(
        "/api/v1/consents/{key}/licences",
        operation_id="pullLicences",
        summary="取已授权的证照 Fetch what was consented to",
        openapi_extra=json_body(PullBody),
    )
    async def pull(
        key: str, request: Request, visit: Annotated[Visit, Depends(office.guard("pullLicences"))]
    ) -> PulledBody:
        """Return records, annotated copies and grants; each time is a use that the holder sees."""
        body = read_json(PullBody, await request.body())
        return PulledBody(licences=await asking.pull(_visitor(visit, body.window, body.operator), key))

    @routes.post(
        "/api/v1/pulls",
        operation_id="pullWithoutPhone",
        summary="窗口书面授权或依职能取证照 Fetch licences by consent at the counter, or by law",
        openapi_extra=json_body(PullWithoutPhoneBody),
    )
    async def pull_without_phone(
        request: Request, visit: Annotated[Visit, Depends(office.guard("pullWithoutPhone"))]
    ) -> PulledBody:
        """Return records, annotated copies and grants; each is a use that the holder sees."""
        body = read_json(PullWithoutPhoneBody, await request.body())
        visitor, use = _visitor(visit, body.window, body.operator), Use(**body.use.model_dump())
        wanted, holder = _wanted(body.wanted), body.holder.holder()
        if body.consent is None:
            return PulledBody(licences=await asking.pull_by_law(visitor, use, wanted, holder))
        consent = CounterConsent(body.consent.form, body.consent.evidence, _whole(body.consent.until))
        return PulledBody(licences=await asking.pull_at_counter(visitor, use, wanted, holder, consent))

    @routes.post(
        "/api/v1/uses",
        status_code=202,
        response_class=Response,
        operation_id="reportUse",
        summary="报告扫描照面码、查看证照文件 Report the scan of a printed code, or a file looked at",
        openapi_extra=json_body(ReportBody),
    )
    async def report(request: Request, visit: Annotated[Visit, Depends(office.guard("reportUse"))]) -> Response:
        """Keep it for the holder to read."""
        body = read_json(ReportBody, await request.body())
        visitor = _visitor(visit, body.window, body.operator)
        licence = parse_identifier(body.identifier) if body.identifier is not None else _unpacked(body.face or "")
        await counter.report(visitor, licence, Way(body.way), _use(body.use))
        return Response(status_code=202)

    return routes


def _visitor(visit: Visit, window: str, operator: str) -> Visitor:
    who = visit.principal
    return Visitor(who.id, Requester(who.department or "", who.name, operator), window)


def _use(body: UseBody | None) -> Use | None:
    return None if body is None else Use(**body.model_dump())


def _wanted(bodies: list[WantedBody]) -> tuple[Wanted, ...]:
    return tuple(Wanted(one.type, tuple(one.fields)) for one in bodies)


def _whole(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)


def _unpacked(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise Problem(Code.REQUEST_INVALID, errors=[FieldError("/face", "base64 of a sealed face record")]) from None


def _standing(consent: Consent, now: datetime) -> StandingBody:
    request = consent.request
    return StandingBody(
        id=request.id,
        answer=consent.standing(now),
        asked_at=request.asked_at,
        answered_at=consent.answered_at,
        answer_by=request.answer_by,
        until=request.until,
    )
