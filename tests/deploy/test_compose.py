"""`compose.yaml` and `deploy/`: held against the commands, loaders, image and policies that they are for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
import typer.main
import yaml

import api.cli
import keys.cli
import verifier.cli
from api.settings import load_settings
from keys.agent.kinds import Tbs
from keys.agent.policy import AuditPolicy, KeyPolicy, Policy, VaultPolicy, load_policy
from tests.api.test_agent import STATUS_KINDS

if TYPE_CHECKING:
    from api.settings import OfficeSettings
    from tests.api.province import Provinces

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
APPLICATIONS = {"api": api.cli.app, "keys": keys.cli.app, "verifier": verifier.cli.app}
REGIONS = ("440000", "310000")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def parse(application: typer.Typer, arguments: list[str]) -> None:
    """Read a command line down to the last command, and run nothing."""
    command: Any = typer.main.get_command(application)
    while True:
        context = command.make_context(command.name, list(arguments))
        if not hasattr(command, "commands"):
            return
        _, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])


def mounts(service: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Return target → source and whether it is read-only."""
    parts = [one.split(":") for one in service.get("volumes", ())]
    return {part[1]: (part[0], part[2:] == ["ro"]) for part in parts}


def secrets(service: dict[str, Any]) -> dict[str, str]:
    """Return where a secret is found → its name."""
    given = [one if isinstance(one, dict) else {"source": one, "target": one} for one in service.get("secrets", ())]
    return {f"/run/secrets/{one['target']}": one["source"] for one in given}


def uid(service: dict[str, Any]) -> int:
    return int(service["user"].partition(":")[0])


def office(region: str) -> OfficeSettings:
    return load_settings(ROOT / "deploy" / region / "office.toml")


def policy(region: str, folder: Path) -> Policy:
    file = folder / "agent.toml"
    shutil.copyfile(ROOT / "deploy" / region / "agent.toml", file)
    file.chmod(0o644)
    return load_policy(file)


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_the_program_takes(name: str) -> None:
    parse(APPLICATIONS[OURS[name]["build"]["target"]], OURS[name]["command"])


@pytest.mark.parametrize("command", [["publish", "--nonsense"], ["serve", "--port", "x"], ["nothing"], ["publish"]])
def test_a_command_line_that_the_program_does_not_take_is_told_from_one_that_it_does(command: list[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|valid integer|missing"):
        parse(api.cli.app, command)


@pytest.mark.parametrize("name", OURS)
def test_every_image_is_a_stage_and_every_user_is_known_in_it(name: str) -> None:
    service = OURS[name]
    target = service["build"]["target"]
    assert re.search(rf"^FROM \w+ AS {target}$", DOCKERFILE, re.MULTILINE)
    user, group = service["user"].split(":")
    assert f"useradd --uid {user} --gid ecert" in DOCKERFILE
    assert f"groupadd --gid {group} ecert" in DOCKERFILE


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ulimits"]["core"] == 0
    assert uid(service) > 0
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:")


def test_only_agents_have_keys_and_they_have_no_network() -> None:
    for name, service in SERVICES.items():
        holds = [source for source, _ in mounts(service).values() if "keys" in source]
        assert bool(holds) is (service.get("image") == "ecert-keys"), name
        if holds:
            assert service["network_mode"] == "none", name
    assert not [name for name, service in OURS.items() if name.startswith("window") and secrets(service)]


def test_what_is_written_is_a_volume_of_the_image_or_served_from_elsewhere() -> None:
    for name, service in OURS.items():
        for target, (_, read_only) in mounts(service).items():
            made = rf"install -d -o \d+ -g 10000 -m \d+ {target}$|--home-dir {target} "
            assert read_only or re.search(made, DOCKERFILE, re.MULTILINE), name


def test_everything_named_is_declared_and_everything_declared_is_used() -> None:
    used = {source for one in SERVICES.values() for source, _ in mounts(one).values() if not source.startswith("./")}
    assert used == set(COMPOSE["volumes"])
    assert {name for one in SERVICES.values() for name in secrets(one).values()} == set(COMPOSE["secrets"])
    files = [source for one in SERVICES.values() for source, _ in mounts(one).values() if source.startswith("./")]
    assert [source for source in files if not (ROOT / source).is_file()] == []
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", ())) <= set(SERVICES), name
        for address in re.findall(r"http://([a-z0-9-]+):", " ".join(map(str, service.get("command", ())))):
            assert address in SERVICES, name
            assert set(service["networks"]) & set(SERVICES[address]["networks"]), name


def test_every_secret_is_made_for_the_one_user_who_reads_it(tmp_path: Path) -> None:
    """The script runs as itself; the two commands that only root may use are watched."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "deploy").mkdir()
    for name, script in (("id", "echo 0"), ("chown", f'echo "$@" >>{tmp_path}/owners')):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    shutil.copy(ROOT / "deploy" / "make-secrets", tmp_path / "deploy")
    command = [str(tmp_path / "deploy" / "make-secrets")]
    environment = os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    lines = (tmp_path / "owners").read_text("utf-8").splitlines()
    owners = {Path(line.split()[1]).name: int(line.split()[0]) for line in lines}
    assert set(owners) == {Path(one["file"]).name for one in COMPOSE["secrets"].values()}
    for service in SERVICES.values():
        for name in secrets(service).values():
            assert owners[name] == uid(service), name
            assert (tmp_path / "deploy" / "secrets" / name).stat().st_mode & 0o777 == 0o400
    assert subprocess.run(command, check=False, capture_output=True, env=environment).returncode == 2


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_asks_its_agent_for_what_the_policy_lets_it_have(region: str, tmp_path: Path) -> None:
    settings, held = office(region), policy(region, tmp_path)
    api_service, agent = SERVICES[f"api-{region}"], SERVICES[f"agent-{region}"]
    client = held.clients[uid(api_service)]
    assert settings.region == region
    for department in settings.departments:
        key = held.keys[_name(department.signer)]
        assert client in key.clients
        assert {Tbs.RECORD, Tbs.FACE, Tbs.SEALING} <= key.kinds
        assert key.secret.file.name == f"department-{department.code}.key.pem"
        assert key.approvers
        assert department.tsa is not None
        assert held.keys[_name(department.tsa)].kinds == {Tbs.TIMESTAMP}
    assert settings.token_key is not None
    assert settings.vault is not None
    assert held.keys[_name(settings.token_key)].kinds == {Tbs.ACCESS_TOKEN}
    assert client in held.vaults[_name(settings.vault)].clients
    everything: list[AuditPolicy | KeyPolicy | VaultPolicy] = [*held.keys.values(), *held.vaults.values(), held.audit]
    assert {str(one.secret.passphrase_file) for one in everything} <= set(secrets(agent))
    assert {one.secret.file.parts[1] for one in everything} == {"keys"}


@pytest.mark.parametrize("region", REGIONS)
def test_the_status_is_signed_for_the_publisher_alone(region: str, tmp_path: Path) -> None:
    held, publisher = policy(region, tmp_path), SERVICES[f"publisher-{region}"]
    command = publisher["command"]
    key = held.keys[_name(command[command.index("--signer") + 1])]
    assert key.clients == {held.clients[uid(publisher)]}
    assert key.kinds == set(STATUS_KINDS)
    assert key.secret.file.name == f"status-{region}.key.pem"
    assert command[command.index("--ledger") + 1] == office(region).ledger


@pytest.mark.parametrize("region", REGIONS)
def test_whoever_serves_a_ledger_is_not_who_owns_its_tables(region: str) -> None:
    migrate, served = SERVICES[f"migrate-{region}"]["command"], office(region).ledger
    role = f"ecert_{region}"
    assert migrate[migrate.index("--grant") + 1] == role
    assert migrate[migrate.index("--ledger") + 1] == served.replace(f"{role}@", f"{role}_owner@")
    assert secrets(SERVICES[f"migrate-{region}"]) == {"/run/secrets/pgpass": f"pgpass-owner-{region}"}
    assert not [name for name, one in SERVICES.items() if f"pgpass-owner-{region}" in secrets(one).values()][1:]


@pytest.mark.parametrize("region", REGIONS)
def test_paths_in_settings_are_mounted_where_they_say(region: str) -> None:
    settings, service = office(region), SERVICES[f"api-{region}"]
    assert settings.oidc is not None
    assert settings.oidc.client_secret_file in secrets(service)
    assert "/run/secrets/pgpass" in secrets(service)
    assert mounts(service)[settings.published] == ("published", True)
    assert mounts(service)["/run/ecert"] == (f"agent-{region}", True)
    assert settings.redis == f"redis://valkey-{region}:6379/0"
    assert f"valkey-{region}" in SERVICES


def test_the_demonstration_is_a_profile_and_nothing_real_is_for_development() -> None:
    demo = load_settings(ROOT / "deploy" / "demo" / "office.toml")
    assert demo.development
    assert [name for name, one in SERVICES.items() if one.get("profiles") == ["demo"]] == ["demo-provider", "demo-api"]
    assert not any(office(region).development for region in REGIONS)
    assert not [name for name, one in SERVICES.items() if name.startswith("api-") and one.get("profiles")]


def test_the_static_server_hands_out_what_is_published_and_nothing_that_is_being_written(provinces: Provinces) -> None:
    provinces.issue()
    provinces.publish()
    config = (ROOT / "deploy" / "static" / "nginx.conf").read_text("utf-8")
    location = re.search(r'location ~ "(\S+)"', config)
    assert location is not None
    served = re.compile(location[1])
    files = [f"/{one.relative_to(provinces.published)}" for one in provinces.published.rglob("*") if one.is_file()]
    assert len(files) > 10
    assert [one for one in files if not served.search(one)] == []
    for hidden in ("/status/440000/.head.json.x1", "/keys/a.pem", "/status/../keys", "/status//a", "/.git/config"):
        assert not served.search(hidden)
    for_ever = [re.compile(one) for one in re.findall(r'"~(\S+)" "public', config)]
    kept = {one for one in files if any(pattern.search(one) for pattern in for_ever)}
    assert "/status/440000/deltas/1.bin" in kept
    assert not {one for one in kept if one.endswith(("head.json", "snapshot.bin", "timestamp.json", "head.bin"))}


def test_the_images_are_built_step_by_step_as_the_file_says() -> None:
    done = subprocess.run([ROOT / "scripts" / "image_check"], capture_output=True, text=True, check=False, timeout=550)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[:3]] == ["verifier", "keys", "api"]


def _name(uri: str) -> str:
    socket, _, name = uri.removeprefix("agent:").partition("#")
    assert socket == "/run/ecert/agent.sock"
    return name
