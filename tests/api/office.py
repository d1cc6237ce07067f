"""A region's issuing service on a real port, with callers of every role, and a client that signs its requests."""

from __future__ import annotations

import json
import secrets
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2

from api.access.callers import Application, CallerBook
from api.app import create_app
from api.ledger import SqlLedger
from api.office import open_office
from api.seals import SealBook
from api.services import open_services
from api.settings import DepartmentSettings, OfficeSettings
from ecert.seal import SealRequest, make_seal
from ecert.sm2 import PrivateKey
from ecert.trust import Member
from ecert.trust import Role as Standing
from ecert.web.message_signatures import sign
from ecert.web.signature_base import Message
from ecert.x509 import Profile
from tests.api.province import DEMO, GUANGDONG, VAULT, Provinces
from tests.seal.forge import PICTURE
from tests.serving import running
from tests.trust.country import ISSUERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.access.principals import Role
    from api.office import Office


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


ORIGIN = "http://office.example"
IDENTITIES = f"http://127.0.0.1:{free_port()}"
"""Where the provider of this process is: several are tested beside each other."""
DEPARTMENT, OTHER = ISSUERS[GUANGDONG], ISSUERS["440100"]
SEAL = "44000000000017"
_BODIES = {
    "maker": (Standing.SEAL_MAKER, Profile.SEAL_MAKER, "91440000DEMG90019D"),
    "tsa": (Standing.TSA, Profile.TSA, "12440000DEMG90018F"),
}


@dataclass
class Region:
    """A region with one department that issues, with a seal, and another that does not.

    Attributes:
        provinces: Registry, ledger and keys.
        keys: System's name → its key.
        systems: System's name → its identifier.
        operators: Person's name → their identifier.
    """

    provinces: Provinces
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)
    operators: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (role, profile, code) in _BODIES.items():
            certificate = self.provinces.country.certify(name, profile, GUANGDONG)
            member = Member(role, code, f"样例机构{code}", f"Sample {code}", (certificate.der,))
            self.provinces.repository.add_member(GUANGDONG, member)
        self.provinces.put_out_registry()
        self.provinces.country.keys["tokens"] = PrivateKey.generate()
        with self.ledger() as ledger:
            SealBook(ledger.database).file(self._seal(), self.provinces.now)

    def _seal(self) -> Any:
        country, since = self.provinces.country, self.provinces.now - timedelta(days=1)
        request = SealRequest(
            code=SEAL,
            kind=1,
            name="样例省市场监督管理局",
            certificates=(country.certificates[DEPARTMENT].der,),
            created=since,
            not_before=since,
            not_after=since + timedelta(days=365),
            picture=PICTURE,
        )
        return make_seal(request, signer=country.keys["maker"], certificate=country.certificates["maker"])

    def ledger(self, actor: str = "test") -> SqlLedger:
        vault = VAULT if self.provinces.server else None
        return SqlLedger(self.provinces.ledger(), actor=actor, vault=vault)

    def add_system(self, name: str, *roles: Role, department: str | None = DEPARTMENT, rate: int = 6000) -> str:
        """Register a system, and return its identifier; its key is kept under its name."""
        key = self.keys[name] = PrivateKey.generate()
        new = Application(name, department, frozenset(roles), rate)
        with self.ledger() as ledger:
            made = CallerBook(ledger.database, GUANGDONG).register_system(new, key.public_key, self.provinces.now)
        self.systems[name] = made.principal.id
        return made.principal.id

    def add_operator(self, name: str, *roles: Role, department: str | None = DEPARTMENT, subject: str = "") -> str:
        """Register a person who signs in at `IDENTITIES` under a subject, by default their name."""
        new = Application(name, department, frozenset(roles), 6000)
        with self.ledger() as ledger:
            book = CallerBook(ledger.database, GUANGDONG)
            made = book.register_operator(new, IDENTITIES, subject or name, self.provinces.now)
        self.operators[name] = made.principal.id
        return made.principal.id

    def settings(self, **changes: Any) -> OfficeSettings:
        department = DepartmentSettings(code=DEPARTMENT, signer=DEPARTMENT, seal=SEAL)
        return OfficeSettings(
            ledger=self.provinces.ledger(),
            published=str(self.provinces.published),
            region=GUANGDONG,
            name="样例省",
            name_en="Sample Province",
            origin=ORIGIN,
            departments=(department,),
            token_key="tokens",
        ).model_copy(update=changes)

    def open(self, **changes: Any) -> Office:
        return open_office(
            self.settings(**changes),
            lambda: datetime.now(UTC),
            signer=lambda uri: self.provinces.country.keys[uri],
            vault=VAULT if self.provinces.server else None,
        )

    def application(self, slug: str = "business-licence", **changes: Any) -> dict[str, Any]:
        rows = json.loads((DEMO / f"{slug}.json").read_text("utf-8"))
        row: dict[str, Any] = next(row for row in rows if row["certificateAreaCode"].startswith("44"))
        return row | changes


@dataclass
class Site:
    """The service, and whoever calls it."""

    region: Region
    client: httpx2.Client
    office: Office

    def call(self, who: str, method: str, path: str, **more: Any) -> httpx2.Response:
        """Send one signed request.

        Args:
            who: Name of a registered system; "" is nobody.
            method: E.g. GET.
            path: With its query.
            more: `json` or `content`, `headers`, `key` (an Idempotency-Key).
        """
        body = more.get("content", b"")
        headers = dict(more.get("headers", {}))
        if "json" in more:
            body = json.dumps(more["json"], ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        if "key" in more:
            headers["Idempotency-Key"] = more["key"]
        if who:
            headers |= self._signed(
                who, Message(method, self.office.settings.origin + path, tuple(headers.items()), body)
            )
        return self.client.request(method, path, content=body or None, headers=headers)

    def _signed(self, who: str, message: Message) -> dict[str, str]:
        key = self.region.keys[who]
        name, nonce = key.public_key.key_id.hex(), secrets.token_urlsafe(16)
        return sign(message, key, keyid=name, created=datetime.now(UTC), nonce=nonce)

    def post(self, who: str, path: str, body: Any, *, key: str | None = None, **headers: str) -> httpx2.Response:
        """Post JSON, under a new `Idempotency-Key` unless one is given."""
        return self.call(who, "POST", path, json=body, key=key or secrets.token_urlsafe(12), headers=headers)

    def console(self, name: str) -> Desk:
        """Sit down at the console as a registered operator who has signed in."""
        who, now = self.region.operators[name], self.office.clock()
        token = self.office.pool.do(lambda ledger: self.office.console.sessions(ledger).begin(who, now), who)
        return Desk(self, token)


@dataclass
class Desk:
    """An operator's browser without a picture: it has its cookie, and sends forms as its pages have them."""

    site: Site
    token: str

    @property
    def csrf(self) -> str:
        """What the forms of this session carry; nothing once it is over."""
        console, now = self.site.office.console, self.site.office.clock()
        session = self.site.office.pool.do(lambda ledger: console.sessions(ledger).find(self.token, now))
        return session.csrf if session else ""

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"{self.site.office.console.session_cookie.name}={self.token}"}

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.site.client.get(path, headers=self.cookie | headers)

    def post(self, path: str, fields: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        """Post a form with the session's token, or with another that `fields` name."""
        headers, data = self.cookie | more.pop("headers", {}), {"csrf_token": self.csrf} | (fields or {})
        return self.site.client.post(path, data=data, headers=headers, **more)


@contextmanager
def serving_here(region: Region, **changes: Any) -> Iterator[Site]:
    """Run the service where a browser on this machine finds it by its own address."""
    port = free_port()
    with serving(region, port, origin=f"http://127.0.0.1:{port}", **changes) as site:
        yield site


@contextmanager
def serving(region: Region, port: int = 0, /, **changes: Any) -> Iterator[Site]:
    """Run the service until the end."""
    office = region.open(**changes)
    services = open_services(region.provinces.published, [region.provinces.ledger()], office.clock, office)
    with (
        running(create_app(services), port) as address,
        httpx2.Client(base_url=address, timeout=30, trust_env=False) as client,
    ):
        yield Site(region, client, office)
