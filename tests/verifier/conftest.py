from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.verifier.province import Province
from tests.verifier.servers import PublishingServer, RedisServer, WindowProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def province(tmp_path: Path) -> Province:
    return Province(tmp_path / "published")


@pytest.fixture
def publisher(province: Province) -> Iterator[PublishingServer]:
    server = PublishingServer(province.folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def folder(province: Province, tmp_path: Path) -> Path:
    """Return a window's folder with nothing in it but the pinned root."""
    folder = tmp_path / "window"
    folder.mkdir()
    (folder / "root.json").write_bytes(province.root)
    return folder


@pytest.fixture
def window(folder: Path, publisher: PublishingServer) -> Iterator[WindowProcess]:
    process = WindowProcess(folder, "--publisher", publisher.url, "--window", "浦东3号窗口")
    process.start()
    process.reaches(1)
    yield process
    process.stop()
