"""Two regions with their services: holders sign in at the first, which is a portal of the second."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from api.access.callers import Application, CallerBook
from api.access.development_provider import DevelopmentProvider, Person
from api.access.principals import Role
from api.access.providers import HOLDER_RETURN_PATH, RETURN_PATH
from api.ledger import SqlLedger
from api.settings import DepartmentSettings, HolderSettings, PortalSettings
from ecert.sm2 import PrivateKey
from tests.api.office import free_port, serving
from tests.api.province import SHANGHAI
from tests.api.showing.counter import COMPANY, LI, WANG, issue
from tests.serving import running
from tests.trust.country import ISSUERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.office import Region, Site

PEOPLE = [
    Person("wang", "王示例", "个人，并为一家企业办事", WANG.json() | {"organisations": [COMPANY.json()]}),
    Person("li", "李样张", "个人", LI.json()),
    Person("nobody", "样例陌生人", "没有持证主体信息"),
]
APP = "example.app:/signed-in"
SLUGS = ("resident-identity-card", "vehicle-licence", "real-estate-certificate", "business-licence")


@contextmanager
def other_region(region: Region) -> Iterator[Site]:
    """Run the service of another region, where 王示例 has a card; the first region is a portal there."""
    keys = {name: PrivateKey.generate() for name in ("portal", "shanghai-clerk", "shanghai-window")}
    issuer, port = ISSUERS[SHANGHAI], free_port()
    with SqlLedger(region.provinces.ledger(SHANGHAI)) as ledger:
        book = CallerBook(ledger.database, SHANGHAI)
        for name, role, department in (
            ("portal", Role.PORTAL, None),
            ("shanghai-clerk", Role.ISSUER_CLERK, issuer),
            ("shanghai-window", Role.WINDOW, issuer),
        ):
            new = Application(name, department, frozenset({role}), 6000)
            book.register_system(new, keys[name].public_key, region.provinces.now)
    region.keys |= keys
    region.provinces.country.keys["portal"] = keys["portal"]
    changes = {
        "region": SHANGHAI,
        "name": "样例市",
        "name_en": "Sample City",
        "ledger": region.provinces.ledger(SHANGHAI),
        "departments": (DepartmentSettings(code=issuer, signer=issuer),),
        "origin": f"http://127.0.0.1:{port}",
    }
    with serving(region, port, **changes) as site:
        card = region.provinces.applied("social-security-card", SHANGHAI)
        own = card["extendInfo"] | {"socialSecurityNumber": WANG.code}
        whose = {"certificateHolderName": WANG.name, "certificateHolderCode": WANG.code, "extendInfo": own}
        issue(site, card | whose, "shanghai-clerk")
        yield site


@contextmanager
def phone_service(region: Region, other: Site, folder: Path) -> Iterator[Site]:
    """Run the service of the first region, a provider of its holders, and the way to the other region."""
    port, identities, secret = free_port(), free_port(), folder / "client-secret"
    secret.write_text("a secret of two\n")
    origin, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{identities}"
    provider = DevelopmentProvider(
        issuer,
        PEOPLE,
        client_id="ecert",
        client_secret="a secret of two",
        redirect_uri=origin + RETURN_PATH,
        holder_redirect_uri=origin + HOLDER_RETURN_PATH,
    )
    portal = PortalSettings(
        region=SHANGHAI,
        name="样例市",
        name_en="Sample City",
        address=other.office.settings.origin,
        signer="portal",
    )
    holders = HolderSettings(
        issuer=issuer, client_id="ecert", client_secret_file=str(secret), apps=(APP,), portals=(portal,)
    )
    with (
        running(provider.app(), identities),
        serving(region, port, origin=origin, holders=holders, development=True) as site,
    ):
        for slug in SLUGS:
            issue(site, region.application(slug))
        yield site
