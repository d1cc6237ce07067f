"""`/readyz` and `/metrics` of the issuing service tell whether its signing keys answer."""

from __future__ import annotations

import asyncio
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from api.key_watch import KEPT, PATIENCE, KeyWatch
from api.office import open_office
from api.options import open_signer, open_vault
from api.settings import DepartmentSettings, HolderSettings, PortalSettings
from keys.vault_file import new_keys, write_vault_file
from tests.agency import PASSPHRASE, Agency, until
from tests.api.office import DEPARTMENT, SEAL, Region, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.office import Office
    from tests.api.office import Site
    from tests.api.province import Provinces

IN_TIME = KEPT + PATIENCE + 1
"""Seconds within which the service knows; one of them is this machine's."""


@pytest.fixture
def agency(provinces: Provinces) -> Iterator[Agency]:
    """An agent with the keys of Guangdong's service, and that of its ledger."""
    agency = Agency(provinces.folder / "agent")
    agency.add("market", provinces.country.keys[DEPARTMENT], kinds=["record", "face", "sealing"])
    agency.add("tokens", kinds=["access-token"])
    write_vault_file(agency.folder / "ledger.vault", new_keys(), PASSPHRASE.encode(), replacing=False)
    agency.tables["vaults.ledger"] = {"file": "ledger.vault", "clients": ["api"], "per_day": 100}
    agency.start()
    yield agency
    agency.stop()


class Kept(Region):
    """A region whose service holds no key: `agent` has them all."""

    agent: Agency

    def open(self, **changes: Any) -> Office:
        department = DepartmentSettings(code=DEPARTMENT, signer=self.agent.uri("market"), seal=SEAL)
        settings = self.settings(
            departments=(department,),
            token_key=self.agent.uri("tokens"),
            vault=self.agent.uri("ledger"),
            **changes,
        )
        return open_office(
            settings,
            lambda: datetime.now(UTC),
            signer=lambda uri: open_signer(uri, None),
            vault=open_vault(settings.vault, None),
        )


@pytest.fixture
def kept(provinces: Provinces, agency: Agency) -> Iterator[Site]:
    """The service over a real port, with something published."""
    region = Kept(provinces)
    region.agent = agency
    provinces.publish()
    with serving(region) as site:
        yield site


def seen(site: Site) -> tuple[int, bool, bool, str]:
    """Return what both pages tell: the status, whether ready, whether the keys answer, and the gauge."""
    ready, metrics = site.client.get("/readyz"), site.client.get("/metrics").text
    body = ready.json()
    gauge = next(line for line in metrics.splitlines() if line.startswith("ecert_key_answers "))
    return ready.status_code, body["ready"], body["keys"], gauge.split()[1]


WELL, LOST = (200, True, True, "1.0"), (503, False, False, "0.0")


def test_the_service_is_not_ready_while_its_agent_is_dead(kept: Site, agency: Agency) -> None:
    assert seen(kept) == WELL
    agency.stop(signal.SIGKILL)
    until(lambda: seen(kept) == LOST, IN_TIME)
    assert kept.client.get("/readyz").json()["database"] is True
    assert kept.client.get("/healthz").status_code == 200
    agency.start()
    until(lambda: seen(kept) == WELL, IN_TIME)


def test_an_agent_that_is_stuck_is_asked_once_at_a_time_and_not_for_long(kept: Site, agency: Agency) -> None:
    assert agency.process is not None
    agency.process.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with ThreadPoolExecutor(12) as many:
            answers = list(many.map(lambda _: seen(kept), range(12)))
        assert answers == [LOST] * 12
        assert time.monotonic() - begun < KEPT
    finally:
        agency.process.send_signal(signal.SIGCONT)
    until(lambda: seen(kept) == WELL, IN_TIME)


def test_nothing_is_signed_handed_out_or_written_down_for_it(kept: Site, agency: Agency) -> None:
    assert seen(kept) == WELL
    before = agency.log.read_bytes()
    time.sleep(KEPT)
    assert seen(kept) == WELL
    assert agency.log.read_bytes() == before


def answers(region: Region, **changes: Any) -> bool:
    """Return what is found of the keys that a service with these settings has, and no others."""
    watch = KeyWatch(region.settings(**{"departments": (), "token_key": None} | changes))
    try:
        return asyncio.run(watch.answer())
    finally:
        watch.close()


def uses(uri: str) -> list[dict[str, Any]]:
    """Return settings, each with another use of one key."""
    there = PortalSettings(region="310000", name="样例市", name_en="x", address="https://x.example", signer=uri)
    oidc = HolderSettings(issuer="https://x.example", client_id="x", client_secret_file="x", portals=(there,))
    return [
        {"departments": (DepartmentSettings(code=DEPARTMENT, signer=uri),)},
        {"departments": (DepartmentSettings(code=DEPARTMENT, signer="file:x", tsa=uri),)},
        {"token_key": uri},
        {"holders": oidc},
    ]


def test_every_key_that_the_service_uses_is_asked_for(provinces: Provinces, agency: Agency) -> None:
    region = Region(provinces)
    agency.add("foreign", clients=["nobody"])
    agency.restart()
    for well, name in ((True, "market"), (False, "foreign"), (False, "unknown")):
        assert [answers(region, **one) for one in uses(agency.uri(name))] == [well] * 4
    assert answers(region, vault=agency.uri("ledger"))
    agency.stop()
    assert not answers(region, vault=agency.uri("ledger"))
    both = {"token_key": "file:x", "vault": "file:x"}
    assert answers(region, **both)
    assert answers(region)


def test_keys_of_its_own_always_answer(site: Site) -> None:
    site.region.provinces.publish()
    assert seen(site) == WELL
