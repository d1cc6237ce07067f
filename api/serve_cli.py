"""`python -m api serve`: the publisher's service on a port."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from ecert.cli import entry
from ecert.errors import EcertError, Reason

_PATIENCE = 3
"""Seconds that requests have to end when the service is told to stop: those who wait for news ask again."""


def serve(
    *,
    published: Annotated[
        Path, typer.Option(envvar="ECERT_BUNDLE", help="发布目录 Published folder: trust registry and status")
    ],
    ledger: Annotated[
        list[str],
        typer.Option(envvar="ECERT_LEDGER", help="台账，可重复；窗口登记在第一个 Ledgers; windows are in the first"),
    ],
    host: Annotated[str, typer.Option(help="监听地址 Address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口，0 为任意 Port; 0 for any")] = 8440,
) -> int:
    """对外提供名录与状态，接收窗口回执；不接触私钥 Serve registry and status, and take receipts; without any key."""
    import uvicorn  # noqa: PLC0415  (the web framework loads slowly, and no other command needs it)

    from api.app import create_app  # noqa: PLC0415
    from api.services import open_services  # noqa: PLC0415

    services = open_services(published, ledger, entry.now)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    config = uvicorn.Config(
        create_app(services),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
    )
    try:
        uvicorn.Server(config).run()
    except SystemExit as error:
        raise EcertError(Reason.USAGE, f"cannot listen at {host}:{port}; is another process there?") from error
    return entry.OK
