from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ecert.errors import Reason
from ecert.presentation import Way
from ecert.receipt import Receipt, SeenLicence, Shape, seal_receipt, write_unsigned
from ecert.revocation import Flag
from ecert.sm2 import PrivateKey
from ecert.verification import Outcome
from keys.signer import load_signer
from tests.agency import ROOT, Agency
from tests.core.test_command_lines import PASSPHRASE, Site
from tests.receipt.world import CASE, PLACE, WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return a region with one relying body, and the window's folder that knows it."""
    site = Site(tmp_path_factory.mktemp("receipts"))
    home, out = ("--home", site.folder / "keys"), ("--out", site.published)
    site.run("keys", "init-national", "--name", "样例根", *home)
    site.run("keys", "init-region", "--region", "310000", "--name", "上海市", "--name-en", "Shanghai", *home)
    named = ("--code", WINDOW, "--name", PLACE.name, "--name-en", "Sample centre", "--region", "310000")
    site.run("keys", "issue-relying-party", *named, *home)
    site.run("keys", "registry", "init", *out, *home)
    site.run("keys", "registry", "add-region", "--region", "310000", *out, *home)
    site.run(
        "keys", "registry", "add-issuer", "--region", "310000", "--code", WINDOW, "--role", "relying-party", *out, *home
    )
    site.run("keys", "registry", "sign", *out, *home)
    site.run("verifier", "pin", site.published / "registry/metadata/1.root.json", "--bundle", site.window)
    site.run("verifier", "update", site.published, "--bundle", site.window, code=1)  # no status: a receipt needs none
    return site


def receipt(at: datetime) -> Receipt:
    seen = SeenLicence(
        shape=Shape.NONE, digest=bytes(32), identifier="", issuer="", key_id=b"", holder="",
        outcome=Outcome.INVALID, reason=Reason.SEAL_BAD, checked_at=at, registry=None, status=None, flags=Flag(0),
        fields=(), way=Way.FILE, permission=None, copy=b"",
    )  # fmt: skip
    return Receipt("R-0001", at, PLACE, CASE, "王*例", (seen,), (("identity", "paper"),))


def test_a_receipt_verifies_on_the_command_line_and_a_tampered_one_is_refused(site: Site) -> None:
    signer = load_signer(f"file:{site.folder}/keys/relying-party-{WINDOW}.key.pem", passphrase=PASSPHRASE.encode)
    now = datetime.now(UTC).replace(microsecond=0)
    made = receipt(now - timedelta(minutes=2))
    file = site.folder / "receipt.bin"
    file.write_bytes(seal_receipt(made, signer, at=now))
    told = site.verify(file)
    assert (told["kind"], told["outcome"], told["signed"]) == ("receipt", "valid", True)
    out, _ = site.run("ecert", "verify", file, "--bundle", site.window)
    for word in ("核验凭据属实", PLACE.window, CASE.number, "王*例"):
        assert word in out
    shown, _ = site.run("ecert", "inspect", file)
    assert CASE.number in shown

    tampered = site.folder / "tampered.bin"
    tampered.write_bytes(file.read_bytes().replace(CASE.number.encode(), b"20261123-0009"))
    refused = site.verify(tampered, 1)
    assert (refused["reason"], refused["receipt"]) == ("receipt-signature-bad", None)


def test_an_unsigned_receipt_says_so(site: Site) -> None:
    file = site.folder / "unsigned.bin"
    file.write_bytes(write_unsigned(receipt(datetime.now(UTC).replace(microsecond=0))))
    told = site.verify(file, 3)
    assert (told["outcome"], told["reason"], told["signed"]) == ("undetermined", "receipt-unsigned", False)
    out, _ = site.run("ecert", "inspect", file, "--json")
    assert json.loads(out)["signed"] is False


def test_without_a_bundle_a_receipt_cannot_be_told(site: Site) -> None:
    site.run("ecert", "verify", site.folder / "receipt.bin", code=3)


WITHOUT_KEYS = """
import runpy, sys
sys.modules["keys"] = sys.modules["api"] = None
sys.argv[0] = "verifier"
runpy.run_module("verifier", run_name="__main__")
"""
"""Runs a window's commands where neither `keys` nor `api` can be imported, as in its image."""


@pytest.fixture
def agency(site: Site, tmp_path: Path) -> Iterator[Agency]:
    """A signing agent with the unit's key, and another unit's."""
    agency = Agency(tmp_path / "agent")
    key = load_signer(f"file:{site.folder}/keys/relying-party-{WINDOW}.key.pem", passphrase=PASSPHRASE.encode)
    assert isinstance(key, PrivateKey)
    agency.add("unit", key, kinds=["verification-receipt"])
    agency.add("other", kinds=["verification-receipt"])
    agency.start()
    yield agency
    agency.stop()


def window(site: Site, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_KEYS, *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=site.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def test_receipts_made_offline_are_signed_later_by_an_agent_for_a_window_without_keys(
    site: Site, agency: Agency
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    files = [site.folder / f"waiting-{number}.bin" for number in range(2)]
    for file in files:
        file.write_bytes(write_unsigned(receipt(now - timedelta(hours=2))))
    signing = ("sign-receipts", *files, "--bundle", site.window, "--signer")
    told = window(site, *signing, agency.uri("other"))
    assert told.returncode == 1, told.stderr
    assert files[0].read_bytes() == write_unsigned(receipt(now - timedelta(hours=2)))
    told = window(site, *signing, agency.uri("unit"))
    assert (told.returncode, told.stdout) == (0, f"{files[0]}\n{files[1]}\n"), told.stderr
    assert site.verify(files[0])["outcome"] == "valid"
    told = window(site, *signing, agency.uri("unit"))
    assert (told.returncode, "receipt-malformed" in told.stderr) == (1, True)
    told = window(site, *signing, f"file:{site.folder}/keys/relying-party-{WINDOW}.key.pem")
    assert (told.returncode, "agent:" in told.stderr) == (2, True)
