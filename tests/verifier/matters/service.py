"""A region's service as a window meets it: signatures checked, licences and annotated copies really made."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ecert.cli.fonts import load_fonts
from ecert.cli.pixels import qr_modules
from ecert.errors import EcertError, Reason, RejectedError
from ecert.issuance import issue
from ecert.licence.application import parse_application
from ecert.licence.identifier import parse_identifier
from ecert.licence.types import find_type
from ecert.licence.validity import china_day
from ecert.licence_file import FileMaker
from ecert.ofd.archive import write_package
from ecert.ofd.copies import CopyNote, make_copy
from ecert.ofd.package import Package
from ecert.ofd.sealing import Sealer
from ecert.presentation import (
    Answer,
    Consent,
    CounterConsent,
    CounterForm,
    DynamicCode,
    Offer,
    Request,
    Requester,
    ShownLicence,
    Use,
    Wanted,
    bind,
    grant_at_counter,
    grant_by_phone,
    grant_by_showing,
    read_code,
)
from ecert.report import timestamp
from ecert.revocation.seal_list import SealEvent, SealState, SealStatusList, seal_seal_list
from ecert.seal import SealRequest, make_seal
from ecert.trust import EntryState, Member, Role, StateChange
from ecert.web.message_signatures import authenticate
from ecert.web.signature_base import Message
from ecert.x509 import Profile
from tests.seal.forge import PICTURE
from tests.verifier.province import DATA, DAY, REGION, Province, now

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest

    from ecert.issuance import SealedLicence
    from ecert.presentation import Grant
    from ecert.sm2 import PublicKey

UNIT = "11310000DEMH70002Y"
MAKER = "12440000DEMG90018F"
SEAL = "44000000000001"


def file_maker(province: Province) -> FileMaker:
    """Register a seal maker, file a seal of the department, and make files with it."""
    province._certify("maker", Profile.SEAL_MAKER, REGION)
    active = (StateChange(EntryState.ACTIVE, now() - 300 * DAY),)
    der = province.certificates["maker"].der
    province.repository.add_member(
        REGION, Member(Role.SEAL_MAKER, MAKER, "样例制章中心", "Sample maker", (der,), history=active)
    )
    province.publish_registry()
    since = now() - DAY
    filed = {SEAL: (SealEvent(SealState.ACTIVE, since, since),)}
    listing = SealStatusList(REGION, 1, now(), now() + DAY, filed)
    province._write(f"status/{REGION}/seals.bin", seal_seal_list(listing, province.keys["status"]))
    request = SealRequest(
        code=SEAL,
        kind=1,
        name="样例市场监督管理局",
        certificates=(province.certificates["department"].der,),
        created=since,
        not_before=since,
        not_after=since + 365 * DAY,
        picture=PICTURE,
    )
    return FileMaker(
        seal=make_seal(request, signer=province.keys["maker"], certificate=province.certificates["maker"]),
        sealer=Sealer(province.keys["department"], province.certificates["department"]),
        fonts=load_fonts(),
        draw_code=qr_modules,
        portal_host="ZZ.EXAMPLE",
    )


class _Nonces:
    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    async def seen(self, nonce: str, keyid: str, until: datetime) -> bool:
        assert until.tzinfo
        known = (keyid, nonce) in self._seen
        self._seen.add((keyid, nonce))
        return known


@dataclass
class Shown:
    """What a phone shows."""

    offer: Offer
    licences: dict[str, SealedLicence]
    taken: str = ""


@dataclass
class Asked:
    """What a holder is asked, and the licences that the holder has of it."""

    consent: Consent
    holder: dict[str, str]


@dataclass
class Service:
    """One region's service, with the windows' key that it knows."""

    province: Province
    files: FileMaker
    caller: PublicKey
    showings: dict[bytes, Shown] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    holdings: dict[str, list[SealedLicence]] = field(default_factory=dict)
    uses: list[dict[str, Any]] = field(default_factory=list)
    fault: Response | None = None
    fault_at: str = ""
    spoil_copies: bool = False
    nonces: _Nonces = field(default_factory=_Nonces)

    def issue(self, row: int = 0, slug: str = "resident-identity-card") -> SealedLicence:
        """Issue a licence with its file, into its holder's hands."""
        application = parse_application(json.loads((DATA / f"{slug}.json").read_text("utf-8"))[row])
        key = self.province.registry.find(self.province.key_id)
        assert key is not None
        licence = issue(
            application,
            find_type(application.type_code),
            key,
            signer=self.province.keys["department"],
            ledger=self.province.ledger,
            now=now,
            entropy=secrets.token_bytes,
            files=self.files,
        )
        self.holdings.setdefault(application.holder_code, []).append(licence)
        return licence

    # The holder

    def show(self, *licences: SealedLicence, purpose: str, seconds: int = 60, fields: tuple[str, ...] = ()) -> str:
        """Show licences on a phone; return the text of the code."""
        code = DynamicCode.draw(REGION, secrets.token_bytes)
        names = fields or ("certificateHolderCode", "certificateHolderName")
        shown = tuple(ShownLicence(one.identifier, names) for one in licences)
        made = now() - timedelta(seconds=60 - seconds)
        offer = Offer("account", "session", purpose, shown, made, made + timedelta(seconds=60))
        self.showings[code.key] = Shown(offer, {one.identifier.text: one for one in licences})
        return code.text("zz.example")

    def answer(self, answer: Answer) -> None:
        """Answer the last request."""
        request = list(self.asked)[-1]
        asked = self.asked[request]
        self.asked[request] = replace(asked, consent=asked.consent.answered(answer, now()))

    # The window

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/v1/showings/redeem", self._guarded(self._redeem), methods=["POST"]),
                Route("/api/v1/consents", self._guarded(self._ask), methods=["POST"]),
                Route("/api/v1/consents/{id}", self._guarded(self._standing)),
                Route("/api/v1/consents/{id}/licences", self._guarded(self._collect), methods=["POST"]),
                Route("/api/v1/pulls", self._guarded(self._pull), methods=["POST"]),
                Route("/api/v1/uses", self._guarded(self._use), methods=["POST"]),
            ]
        )

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: HttpRequest) -> Response:
            if self.fault is not None and request.url.path.endswith(self.fault_at):
                return self.fault
            body = await request.body()
            headers = tuple((name.decode(), value.decode()) for name, value in request.headers.raw)

            async def find_key(keyid: str) -> PublicKey | None:
                return self.caller if keyid == self.caller.key_id.hex() else None

            message = Message(request.method, str(request.url), headers, body)
            try:
                await authenticate(message, find_key=find_key, nonces=self.nonces, now=now())
                told = answer(request, json.loads(body) if body else {})
            except EcertError as error:
                status = 404 if error.reason is Reason.CODE_UNKNOWN else 409
                problem = {"type": "about:blank", "code": error.reason.value, "detail": error.detail, "status": status}
                return JSONResponse(problem, status, media_type="application/problem+json")
            return told if isinstance(told, Response) else JSONResponse(told)

        return guarded

    def _redeem(self, _: HttpRequest, content: dict[str, Any]) -> Any:
        code = DynamicCode.decode(read_code(content["text"])[1])
        shown, use = self.showings.get(code.key), Use(**content["use"])
        if shown is None:
            raise RejectedError(Reason.CODE_UNKNOWN, "nobody shows this code")
        if shown.taken:
            raise RejectedError(Reason.CODE_USED, shown.taken)
        if now() >= shown.offer.ends_at:
            raise RejectedError(Reason.CODE_EXPIRED, f"it was good until {shown.offer.ends_at:%F %T}Z")
        unit = Requester(UNIT, "上海样例政务服务中心", content["operator"])
        handed = []
        for one in shown.offer.licences:
            grant = grant_by_showing(
                bind(unit, use, one.identifier),
                shown.offer,
                code.key,
                operator=content["operator"],
                entropy=secrets.token_bytes,
                at=now(),
                until=now() + DAY,
            )
            handed.append(self._handed(shown.licences[one.identifier.text], grant))
        shown.taken = f"it was used at {now():%F %T}Z, at {content['window']}"
        return {"purpose": shown.offer.purpose, "made_at": timestamp(now()), "taken_at": timestamp(now())} | {
            "licences": handed
        }

    def _handed(self, licence: SealedLicence, grant: Grant) -> dict[str, Any]:
        assert licence.file is not None
        cause = "办理别的事项" if self.spoil_copies else grant.binding.purpose
        note = CopyNote("上海样例政务服务中心", cause, china_day(grant.until), now())
        made = make_copy(Package.read(licence.file), note, self.files.sealer, self.files.fonts)
        return {
            "identifier": licence.identifier.text,
            "record": _text(licence.record),
            "face": _text(licence.face),
            "file": _text(write_package(made, now())),
            "fields": list(grant.fields),
            "grant": {
                "code": grant.code.text,
                "requester": grant.binding.requester,
                "item_code": grant.binding.item_code,
                "purpose": grant.binding.purpose,
                "fields": list(grant.fields),
                "operator": grant.operator,
                "ground": grant.ground.value,
                "evidence": grant.evidence,
                "since": timestamp(grant.since),
                "until": timestamp(grant.until),
            },
        }

    def _ask(self, _: HttpRequest, content: dict[str, Any]) -> Any:
        wanted = tuple(Wanted(one["type"], tuple(one["fields"])) for one in content["wanted"])
        request = Request(
            secrets.token_urlsafe(16),
            Requester(**content["requester"]),
            Use(**content["use"]),
            wanted,
            now(),
            datetime.fromisoformat(content["answer_by"]),
            datetime.fromisoformat(content["until"]),
        )
        self.asked[request.id] = Asked(Consent(request), content["holder"])
        return JSONResponse(self._told(request.id), 201)

    def _told(self, request: str) -> dict[str, Any]:
        consent = self.asked[request].consent
        return {
            "id": request,
            "answer": consent.standing(now()).value,
            "asked_at": timestamp(consent.request.asked_at),
            "answered_at": None if consent.answered_at is None else timestamp(consent.answered_at),
            "answer_by": timestamp(consent.request.answer_by),
            "until": timestamp(consent.request.until),
        }

    def _standing(self, request: HttpRequest, _: dict[str, Any]) -> Any:
        return self._told(request.path_params["id"])

    def _collect(self, request: HttpRequest, content: dict[str, Any]) -> Any:
        asked = self.asked[request.path_params["id"]]
        asked.consent.require_granted(now())
        self.uses.append(content)
        types = [one.type_code for one in asked.consent.request.wanted]
        held = [one for one in self.holdings.get(asked.holder["code"], []) if one.identifier.type_code in types]
        grants = [(one, grant_by_phone(asked.consent, one.identifier, secrets.token_bytes, now())) for one in held[-1:]]
        return {"licences": [self._handed(*pair) for pair in grants]}

    def _pull(self, _: HttpRequest, content: dict[str, Any]) -> Any:
        self.uses.append(content)
        types = {one["type"]: tuple(one["fields"]) for one in content["wanted"]}
        held = self.holdings.get(content["holder"]["code"], [])
        unit, told = Requester(UNIT, "上海样例政务服务中心", content["operator"]), content["consent"]
        if told is None:
            raise RejectedError(Reason.LEGAL_BASIS_MISSING, "none is registered")
        consent = CounterConsent(CounterForm(told["form"]), told["evidence"], datetime.fromisoformat(told["until"]))
        found = []
        for one in [one for one in held if one.identifier.type_code in types][-1:]:
            grant = grant_at_counter(
                bind(unit, Use(**content["use"]), one.identifier),
                types[one.identifier.type_code],
                consent,
                operator=content["operator"],
                entropy=secrets.token_bytes,
                at=now(),
            )
            found.append(self._handed(one, grant))
        return {"licences": found}

    def _use(self, _: HttpRequest, content: dict[str, Any]) -> Any:
        parse_identifier(content["identifier"])
        self.uses.append(content)
        return Response(status_code=202)


def _text(data: bytes) -> str:
    return b64encode(data).decode()
