"""A window over HTTPS in a local network, with the certificate that `dev-cert` makes."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx2
import pytest
from typer.testing import CliRunner, Result

from tests.verifier.servers import WindowProcess
from verifier.cli import app

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, standalone_mode=True)


def test_a_window_serves_https_that_a_machine_with_its_authority_believes(folder: Path, tmp_path: Path) -> None:
    made = tmp_path / "tls"
    assert run("dev-cert", "127.0.0.1", "window.lan", "--out", str(made)).exit_code == 0
    assert (made / "window.key").stat().st_mode & 0o077 == 0
    again = run("dev-cert", "127.0.0.1", "--out", str(made))
    assert again.exit_code != 0
    process = WindowProcess(folder, "--tls-cert", str(made / "window.crt"), "--tls-key", str(made / "window.key"))
    process.start()
    try:
        address = process.url.replace("http://", "https://")
        believing = ssl.create_default_context(cafile=str(made / "ca.crt"))
        assert httpx2.get(f"{address}/healthz", verify=believing).json() == {"status": "alive"}
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{address}/healthz")
    finally:
        process.stop()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--tls-cert", "window.crt"), "--tls-key"),
        (("--tls-cert", "ca.crt", "--tls-key", "window.key"), "cannot use"),
        (("--tls-cert", "nothing.crt", "--tls-key", "window.key"), "cannot use"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_told_before_the_port_is_bound(
    folder: Path, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    assert run("dev-cert", "window.lan", "--out", str(tmp_path)).exit_code == 0
    placed = [one if one.startswith("--") else str(tmp_path / one) for one in options]
    ended = run("serve", "--bundle", str(folder), *placed)
    assert ended.exit_code != 0
    assert says in str(ended.exception)


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    ended = run("dev-cert", "窗口", "--out", str(tmp_path / "tls"))
    assert "neither a host name" in str(ended.exception)
    assert not (tmp_path / "tls").exists()
