from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from ecert import cbor
from ecert.cli.pixels import draw_png, draw_terminal, read_picture
from ecert.errors import MalformedError, Reason
from ecert.licence.types import load_catalogue
from tests.tables.tables import xlsx_bytes
from tests.world import DATA, HOST, ISSUER, OTHER, START, World, demo_application

ROOT = Path(__file__).parents[2]
PASSPHRASE = "correct horse battery staple"


class Site:
    """A folder with everything a department and a window hold, made through the command lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("ECERT_")}
        self.env["ECERT_PASSPHRASE"] = PASSPHRASE
        self.published = folder / "published"
        self.window = folder / "window"

    def run(self, *arguments: object, code: int = 0, data: bytes = b"", **env: str) -> tuple[str, str]:
        program, *rest = map(str, arguments)
        start = [sys.executable, "-m", program]
        if program == "ecert":
            start = [sys.executable, "-c", "from ecert.cli.main import run; run()"]
        done = subprocess.run(
            [*start, *rest], cwd=ROOT, env=self.env | env, input=data, capture_output=True, check=False, timeout=120
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == code, (done.returncode, out, err)
        assert "Traceback" not in err
        return out, err

    def issue(self, file: object, code: int = 0, *more: object) -> list[Path]:
        out, err = self.run(
            *("api", "issue", file, "--signer", f"file:{self.folder}/keys/department-{ISSUER}.key.pem"),
            *("--ledger", self.folder / "ledger.db", "--bundle", self.published),
            *("--out", self.folder / "out", "--json", *more),
            code=code,
        )
        self.err = err
        return [Path(json.loads(line)["record"]) for line in out.splitlines()]

    def verify(self, source: object, code: int = 0, *more: object, data: bytes = b"") -> dict[str, object]:
        out, _ = self.run("ecert", "verify", source, "--bundle", self.window, "--json", *more, code=code, data=data)
        verdict: dict[str, object] = json.loads(out)
        return verdict


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("site"))
    home = ("--home", site.folder / "keys")
    site.run("keys", "init-national", "--name", "样例根", *home)
    site.run("keys", "init-region", "--region", "440000", "--name", "广东省", "--name-en", "Guangdong", *home)
    types = [argument for code in load_catalogue() for argument in ("--type", code)]
    named = ("--code", ISSUER, "--name", "样例局", "--name-en", "Sample Office", "--region", "440000")
    site.run("keys", "issue-department", *named, *types, *home)
    out = ("--out", site.published)
    site.run("keys", "registry", "init", *out, *home)
    site.run("keys", "registry", "add-region", "--region", "440000", *out, *home)
    site.run("keys", "registry", "add-issuer", "--region", "440000", "--code", ISSUER, *out, *home)
    site.run("keys", "registry", "sign", *out, *home)
    site.run("verifier", "pin", site.published / "registry/metadata/1.root.json", "--bundle", site.window)
    publish(site)
    return site


def publish(site: Site) -> None:
    site.run(
        *("api", "publish", "--signer", f"file:{site.folder}/keys/status-440000.key.pem"),
        *("--ledger", site.folder / "ledger.db", "--bundle", site.published),
    )
    site.run("verifier", "update", site.published, "--bundle", site.window)


@pytest.fixture(scope="module")
def licence(site: Site) -> Path:
    row = json.loads((DATA / "business-licence.json").read_text("utf-8"))[0]
    file = site.folder / "one.json"
    file.write_text(json.dumps(row, ensure_ascii=False), "utf-8")
    (record,) = site.issue(file)
    return record


def test_a_licence_verifies_in_every_form_it_comes_in(site: Site, licence: Path) -> None:
    text = licence.with_suffix(".txt").read_text("ascii").strip()
    for source in (licence, licence.with_suffix(".txt"), licence.with_suffix(".png"), text, text.lower()):
        verdict = site.verify(source)
        assert (verdict["outcome"], verdict["reason"]) == ("valid", "ok")
    for data in (licence.read_bytes(), text.encode(), licence.with_suffix(".png").read_bytes()):
        assert site.verify("-", data=data)["outcome"] == "valid"


def test_the_json_has_what_others_rely_on(site: Site, licence: Path) -> None:
    verdict = site.verify(licence)
    assert {"outcome", "reason", "sentence", "sentence_en", "checks", "checked_at", "freshness"} <= verdict.keys()
    checks = verdict["checks"]
    assert isinstance(checks, list)
    assert all({"number", "name", "result", "code"} <= check.keys() for check in checks)


def test_words_for_a_person_come_in_both_languages(site: Site, licence: Path) -> None:
    out, _ = site.run("ecert", "verify", licence, "--bundle", site.window)
    assert "证照有效" in out
    assert "The licence is valid" in out


def test_exit_codes_tell_invalid_from_usage_from_cannot_tell(site: Site, licence: Path) -> None:
    assert site.verify(licence, 3, "--at", "2027-06-01T00:00:00Z")["outcome"] == "undetermined"
    assert site.verify(licence, 1, "--at", "2026-01-01T00:00:00Z")["reason"] == "sealed-in-future"
    assert site.verify("-", 1, data=b"hello")["reason"] == "record-malformed"
    site.run("ecert", "verify", "no-such-file", "--bundle", site.window, code=2)
    site.run("ecert", "verify", licence, "--at", "yesterday", code=2)
    site.run("ecert", "verify", licence, "--at", "2026-01-01T00:00:00", code=2)
    site.run("ecert", "verify", code=2)
    site.run("ecert", "verify", licence, code=3)
    site.run("ecert", "verify", licence, "--bundle", site.folder / "nothing", code=3)
    site.run("ecert", "verify", licence, code=2, ECERT_BUNDEL="x")


def test_inspect_shows_without_verifying_and_refuses_what_is_none(site: Site, licence: Path) -> None:
    out, err = site.run("ecert", "inspect", licence, "--json")
    found = json.loads(out)
    assert found["kind"] == "record"
    assert found["fields"]["certificateHolderName"]
    assert "未经核验" in err
    out, _ = site.run("ecert", "inspect", licence.with_suffix(".txt"))
    assert "face" in out
    _, err = site.run("ecert", "inspect", "-", data=b"\x84\x00", code=1)
    assert "record-malformed" in err


def test_doctor_shows_the_engine_and_the_age_of_what_is_held(site: Site) -> None:
    out, _ = site.run("ecert", "doctor", "--json", "--bundle", site.window)
    found = json.loads(out)
    assert found["engine_secret"]["name"] == "openssl"
    assert found["bundle"]["usable"]
    out, err = site.run("ecert", "doctor", "--json", ECERT_ENGINE="gmssl")
    assert json.loads(out)["engine_secret"]["name"] == "gmssl"
    assert "not constant time" in err


def test_every_revocation_reaches_a_window_with_the_next_list_and_is_final(site: Site) -> None:
    row = json.loads((DATA / "food-business-licence.json").read_text("utf-8"))[0]
    file = site.folder / "food.json"
    file.write_text(json.dumps([row, row], ensure_ascii=False), "utf-8")
    first, second = site.issue(file)
    common = ("--ledger", site.folder / "ledger.db", "--bundle", site.published)
    identifier = json.loads(site.run("ecert", "inspect", first, "--json")[0])["identifier"]
    site.run("api", "revoke", identifier, "--reason", "样例", *common)
    site.run("api", "revoke", second.with_suffix(".txt"), "--reason", "样例", "--state", "suspended", *common)
    assert site.verify(first)["outcome"] == "valid"
    publish(site)
    assert site.verify(first, 1)["reason"] == "revoked"
    assert site.verify(second.with_suffix(".png"), 1)["reason"] == "suspended"
    _, err = site.run("api", "revoke", identifier, "--reason", "样例", "--state", "valid", *common, code=1)
    assert "ledger-conflict" in err
    site.run("api", "revoke", second, "--reason", "样例", "--state", "valid", *common)
    publish(site)
    assert site.verify(second)["outcome"] == "valid"
    site.run("api", "revoke", identifier, "--reason", "样例", "--state", "gone", *common, code=2)
    site.run("api", "revoke", identifier[:-1] + "?", "--reason", "样例", *common, code=1)


def test_a_table_issues_as_json_does_and_every_bad_row_is_listed(site: Site) -> None:
    row = json.loads((DATA / "business-licence.json").read_text("utf-8"))[0]
    flat = {k: v for k, v in row.items() if k != "extendInfo"} | row["extendInfo"]
    flat["certificateExpiringDate"] = flat["certificateExpiringDate"] or "长期"

    def table(*rows: dict[str, object]) -> Path:
        out = io.StringIO()
        writer = csv.DictWriter(out, list(flat))
        writer.writeheader()
        writer.writerows(rows)
        file = site.folder / "table.csv"
        file.write_text("\ufeff" + out.getvalue(), "utf-8")
        return file

    assert len(site.issue(table(flat, flat))) == 2
    (site.folder / "gbk.csv").write_text(table(flat).read_text("utf-8-sig"), "gbk")
    (site.folder / "table.xlsx").write_bytes(xlsx_bytes([list(flat), list(flat.values())]))
    (site.folder / "table.ndjson").write_text(json.dumps(row, ensure_ascii=False), "utf-8")
    for name in ("gbk.csv", "table.xlsx", "table.ndjson"):
        assert len(site.issue(site.folder / name)) == 1
    before = set((site.folder / "out").iterdir())
    assert (
        site.issue(table(flat, flat | {"certificateHolderCode": "123"}, flat | {"certificateAreaCode": "9"}), 1) == []
    )
    assert "/3/certificateHolderCode" in site.err
    assert "/4/certificateAreaCode" in site.err
    assert set((site.folder / "out").iterdir()) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", b"{"),
        ("x.json", b"[]"),
        ("x.json", b'{"a":1,"a":2}'),
        ("x.json", b"\xff\xfe"),
        ("x.json", b"[" * 100_000),
        ("x.json", b'{"certificateTypeCode": "nothing"}'),
        ("x.json", b"7"),
        ("x.csv", b"a,a\n1,2\n"),
        ("x.csv", b'a,b\n"1,2\n'),
        ("x.csv", b""),
    ],
)
def test_a_malformed_file_of_applications_is_refused_whole(site: Site, name: str, content: bytes) -> None:
    (site.folder / name).write_bytes(content)
    assert site.issue(site.folder / name, 1) == []
    assert site.err.strip()


def test_a_licence_whose_files_were_lost_comes_out_of_the_ledger_again(
    site: Site, licence: Path, tmp_path: Path
) -> None:
    identifier = json.loads(site.run("ecert", "inspect", licence, "--json")[0])["identifier"]
    ledger = ("--ledger", site.folder / "ledger.db")
    site.run("api", "export", identifier, *ledger, "--out", tmp_path / "again")
    for suffix in (".bin", ".txt", ".png"):
        again = tmp_path / "again" / licence.with_suffix(suffix).name
        assert again.read_bytes() == licence.with_suffix(suffix).read_bytes()
    assert site.run("api", "pending", *ledger)[0] == ""
    _, err = site.run("api", "export", identifier, "--ledger", tmp_path / "empty.db", "--out", tmp_path, code=1)
    assert "licence-not-found" in err


def test_nothing_is_issued_into_a_folder_or_ledger_that_cannot_be_used(
    site: Site, licence: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"not a ledger, and not a folder either")
    signer = ("--signer", f"file:{site.folder}/keys/department-{ISSUER}.key.pem", "--bundle", site.published)
    good, bad = site.folder / "ledger.db", tmp_path / "file"
    file = site.folder / "one.json"
    _, err = site.run("api", "issue", file, *signer, "--ledger", good, "--out", bad / "x", code=2)
    assert "Cannot use" in err
    _, err = site.run("api", "issue", file, *signer, "--ledger", bad, "--out", tmp_path, code=1)
    assert "data-malformed" in err
    site.run("api", "issue", file, *signer, "--ledger", tmp_path / "no" / "l.db", "--out", tmp_path, code=2)
    assert licence.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


def test_only_a_registered_issuers_key_issues(site: Site, licence: Path) -> None:
    file = site.folder / "one.json"
    for key in ("status-440000", "region-440000"):
        _, err = site.run(
            *("api", "issue", file, "--signer", f"file:{site.folder}/keys/{key}.key.pem"),
            *("--ledger", site.folder / "l2.db", "--bundle", site.published, "--out", site.folder / "o2"),
            code=1,
        )
        assert "key-mismatch" in err
    assert licence.exists()


def test_a_window_pins_once_and_never_goes_back(site: Site, licence: Path, tmp_path: Path) -> None:
    window, old = tmp_path / "window", tmp_path / "old"
    root = site.published / "registry" / "metadata" / "1.root.json"
    site.run("verifier", "update", site.published, "--bundle", window, code=1)
    site.run("verifier", "pin", root, "--bundle", window)
    site.run("verifier", "pin", root, "--bundle", window, code=1)
    shutil.copytree(site.published, old)
    site.run("keys", "registry", "sign", "--out", site.published, "--home", site.folder / "keys")
    publish(site)
    site.run("verifier", "update", site.published, "--bundle", window)
    site.run("verifier", "show", "--bundle", window)
    _, err = site.run("verifier", "update", old, "--bundle", window, code=1)
    assert "registry-rollback" in err
    site.run("ecert", "verify", licence, "--bundle", window)


def test_a_window_takes_only_the_regions_it_asks_for(site: Site, licence: Path, tmp_path: Path) -> None:
    root = site.published / "registry" / "metadata" / "1.root.json"
    for region, code, outcome in (("440000", 0, "valid"), ("310000", 3, "undetermined")):
        window = tmp_path / region
        site.run("verifier", "pin", root, "--bundle", window)
        out, _ = site.run("verifier", "update", site.published, "--bundle", window, "--region", region)
        assert ("status/440000" in out) == (region == "440000")
        out, _ = site.run("ecert", "verify", licence, "--bundle", window, "--json", code=code)
        assert json.loads(out)["outcome"] == outcome
    site.run("verifier", "update", site.published, "--bundle", tmp_path / "440000", "--region", "44", code=2)


def test_an_offline_bundle_serves_without_the_window_it_came_from(site: Site, licence: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.bin"
    site.run("verifier", "bundle", "--bundle", site.window, "--source", site.published, "--out", bundle)
    out, _ = site.run("ecert", "verify", licence, "--bundle", bundle, "--json", code=3)
    assert json.loads(out)["reason"] == "registry-missing"
    shutil.copy(site.window / "root.json", tmp_path)
    out, _ = site.run("ecert", "verify", licence, "--bundle", bundle, "--json")
    assert json.loads(out)["reason"] == "ok"
    bundle.write_bytes(bundle.read_bytes()[:-1])
    out, err = site.run("ecert", "verify", licence, "--bundle", bundle, "--json", code=3)
    assert json.loads(out)["reason"] == "registry-missing"
    assert "data-malformed" in err


def test_a_broken_status_chain_is_named_and_then_counts_as_missing(site: Site, licence: Path, tmp_path: Path) -> None:
    shutil.copytree(site.window, tmp_path, dirs_exist_ok=True)
    content = cbor.decode((tmp_path / "bundle.bin").read_bytes(), limit=10**7, reason=Reason.DATA_MALFORMED)
    assert isinstance(content, dict)
    content["status"] = {"440000": [b"broken"]}
    (tmp_path / "bundle.bin").write_bytes(cbor.encode(content))
    out, err = site.run("ecert", "verify", licence, "--bundle", tmp_path, "--json", code=3)
    assert json.loads(out)["reason"] == "status-missing"
    assert "status/440000" in err


def test_both_writers_of_codes_stay_within_version_13() -> None:

    world = World(now=START)
    for slug in ("business-licence", "construction-permit", "vehicle-licence"):
        for row in range(3):
            application = demo_application(slug, row)
            by = ISSUER if application.area_code.startswith("44") else OTHER
            text = world.issue(application, by).text(HOST)
            png = Image.open(io.BytesIO(draw_png(text)))
            modules = png.width // 8 - 8
            assert modules <= 13 * 4 + 17
            assert read_picture(draw_png(text)) == text
            widest = max(len(line) for line in draw_terminal(text).splitlines())
            assert widest <= 13 * 4 + 17 + 4


def test_a_code_is_read_turned_blurred_and_from_a_photograph() -> None:
    text = World().issue().text(HOST)
    page = Image.new("RGB", (1400, 1400), "white")
    page.paste(Image.open(io.BytesIO(draw_png(text))).convert("RGB"), (300, 250))
    for changed in (
        page.rotate(90),
        page.rotate(17, fillcolor="white"),
        page.filter(ImageFilter.GaussianBlur(2)),
        page.resize((700, 700)),
        page.point(lambda level: 90 + level // 3),
    ):
        out = io.BytesIO()
        changed.save(out, "JPEG", quality=60)
        assert read_picture(out.getvalue()) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG broken", Reason.IMAGE_UNREADABLE),
        (b"", Reason.IMAGE_UNREADABLE),
        (b"GIF89a", Reason.IMAGE_UNREADABLE),
    ],
)
def test_a_broken_picture_is_said_to_be_one(data: bytes, reason: Reason) -> None:
    with pytest.raises(MalformedError) as caught:
        read_picture(data)
    assert caught.value.reason is reason


def test_a_picture_of_absurd_size_is_refused_before_it_is_decoded() -> None:
    out = io.BytesIO()
    Image.new("1", (9000, 9000)).save(out, "PNG")
    with pytest.raises(MalformedError) as caught:
        read_picture(out.getvalue())
    assert caught.value.reason is Reason.TOO_LARGE


def test_the_demonstration_leaves_what_it_promises(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    env = {k: v for k, v in os.environ.items() if not k.startswith("ECERT_")}
    done = subprocess.run(
        [sys.executable, "scripts/demo_run.py", "--check", "--out", str(out)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    for name in ("national-root", "region-440000", "department", "seal-maker"):
        assert (out / "pki" / f"{name}.pem").exists()
    assert list((out / "pki").glob("*.crl.pem"))
    names = [file.stem for file in (out / "licences").glob("*.bin")]
    assert len(names) == 27
    for name in names:
        assert {file.suffix for file in (out / "licences").glob(f"{name}.*")} == {
            ".bin",
            ".txt",
            ".png",
            ".ofd",
            ".pdf",
        }
        assert {file.suffix for file in (out / "pages").glob(f"{name}.*")} == {".svg", ".png"}
        code = read_picture((out / "pages" / f"{name}.png").read_bytes())
        assert code == (out / "licences" / f"{name}.txt").read_text("ascii").strip()
    assert len(list((out / "seals").glob("*.esl"))) == 7
    assert len(list((out / "seals").glob("*.svg"))) == len(list((out / "seals").glob("*.png"))) == 6
    assert len(list((out / "copies").glob("*.ofd"))) == 2
    expected = json.loads((out / "tampered" / "expected.json").read_text("utf-8"))
    assert all({"outcome", "reason"} == set(wanted) for wanted in expected.values())
    assert {file.name for file in (out / "tampered").iterdir()} == {*expected, "expected.json"}
    assert {name: wanted["reason"] for name, wanted in expected.items() if name.endswith(".ofd")} == {
        "file-page-text-changed.ofd": "file-part-changed",
        "file-seal-swapped.ofd": "file-part-changed",
        "file-part-added-uncovered.ofd": "file-part-unprotected",
        "file-signature-removed.ofd": "file-unsigned",
        "file-timestamp-altered.ofd": "timestamp-signature-bad",
        "file-cut-short.ofd": "file-damaged",
    }
    for name in names:
        assert (out / "verdicts" / f"{name}.json").exists()
    assert (out / "registry" / "metadata" / "timestamp.json").exists()
    for region in ("440000", "310000"):
        status = out / "status" / region
        assert (status / "snapshot.bin").exists()
        assert list((status / "deltas").glob("*.bin"))
        assert list((status / "lists").glob("*.jwt"))
        assert list((status / "lists").glob("*.cwt"))
    assert (out / "bundle.bin").exists()
    shown = {file.name for file in (out / "presentations").iterdir()}
    assert shown == {
        *("licences.json", "showing.json", "taken.json", "consent.json", "uses.json"),
        *("dynamic-code.txt", "dynamic-code.png"),
    }
    code = read_picture((out / "presentations" / "dynamic-code.png").read_bytes())
    assert code == (out / "presentations" / "dynamic-code.txt").read_text("ascii").strip()
    accepted = {file.stem for file in (out / "receipts").glob("*.receipt")}
    assert len(accepted) == 3
    assert {file.stem for file in (out / "matters").glob("SL*.zip")} == accepted
    again = subprocess.run(
        [sys.executable, "scripts/demo_run.py", "--check", "--out", str(tmp_path)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 1
    assert out.exists()


def test_a_pdf_is_said_to_be_only_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "licence.pdf"
    file.write_bytes(b"%PDF-1.7\n")
    ran = subprocess.run(
        [sys.executable, "-c", "from ecert.cli.main import run; run()", "verify", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "verify its OFD file" in ran.stdout
