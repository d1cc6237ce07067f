"""Files that other software signed (public test data of ofdrw, Apache-2.0), read in place, at a window here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ecert.file_report import file_verdict_json
from ecert.holdings import Holdings
from ecert.verification.files import FileVerdict, Question, assess_file, kind_of_file
from tests.world import START, World

SAMPLES = Path(__file__).parents[3] / "shared/samples"

if not SAMPLES.is_dir():
    pytest.skip(f"the sample files are not beside this repository ({SAMPLES})", allow_module_level=True)

NAMES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix in (".ofd", ".esl", ".dat"))
UNKNOWN = "signer-unregistered"
FOUND = {
    "allprotected.ofd": ("INDETERMINATE", {"SIGNER_CERT_CHAIN": UNKNOWN, "MAKER_CERT": UNKNOWN}),
    "v4-test-ca.ofd": ("INDETERMINATE", {"SIGNER_CERT_CHAIN": UNKNOWN, "MAKER_CERT": UNKNOWN}),
    "v4-test-ca-ofdxml-uncovered.ofd": ("INVALID", {"COVERAGE": "file-part-unprotected"}),
    "signed-again-after-whole-protection.ofd": ("INVALID", {"REF_DIGEST": "file-part-changed"}),
    "unsigned.ofd": ("INVALID", {"SIG_LIST": "file-unsigned"}),
    "bare-sm2-value.ofd": ("INDETERMINATE", {"SIG_VALUE": "file-signer-not-given"}),
    "seal-v1.esl": ("INVALID", {"SEAL_TIME": "seal-not-in-period", "MAKER_CERT": UNKNOWN}),
    "seal-v4.esl": ("INVALID", {"SEAL_TIME": "seal-not-in-period", "MAKER_CERT": UNKNOWN}),
    "seal-v5.esl": ("INDETERMINATE", {"MAKER_CERT": UNKNOWN}),
    "signed-value-v4.dat": ("INDETERMINATE", {"DATAHASH": "sealing-data-not-given", "MAKER_CERT": UNKNOWN}),
}


@pytest.fixture(scope="module")
def held() -> Holdings:
    world = World()
    world.registry()
    return Holdings(world.repository.root).take_registry(world.repository.update())


def assess(name: str, held: Holdings) -> FileVerdict:
    data = (SAMPLES / name).read_bytes()
    kind = kind_of_file(data)
    assert kind is not None
    return assess_file(data, kind, held, Question(START, START))


def test_every_sample_is_expected() -> None:
    assert set(FOUND) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_others_signed_is_told_check_by_check(name: str, held: Holdings) -> None:
    said = file_verdict_json(assess(name, held))
    verdict, expected = FOUND[name]
    assert said["verdict"] == verdict
    codes = {check["name"]: check["code"] for check in said["checks"] if check["result"] in ("fail", "unknown")}
    assert expected.items() <= codes.items()
    told = expected.keys() | {"SIGNER_CERT_CHAIN", "MAKER_CERT", "LICENCE_ID", "TRUST_REGISTRY"}
    assert codes.keys() <= told, "nothing else is wrong with it"


@pytest.mark.parametrize("name", NAMES)
def test_the_command_shows_what_others_wrote(name: str) -> None:
    command = [sys.executable, "-c", "from ecert.cli.main import run; run()", "inspect", str(SAMPLES / name), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["kind"] in ("ofd", "seal", "sealing")
