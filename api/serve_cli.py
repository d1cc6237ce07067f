"""`python -m api serve`: the publisher's service on a port."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.batches.processes import WorkerProcesses
from api.options import PassphraseOption, open_signer, open_vault
from api.settings import OfficeSettings, load_settings
from ecert.cli import entry
from ecert.errors import EcertError, Reason

if TYPE_CHECKING:
    from api.office import Office

_PATIENCE = 3
"""Seconds that requests have to end when the service is told to stop: those who wait for news ask again."""


def serve(
    *,
    published: Annotated[
        Path | None, typer.Option(envvar="ECERT_BUNDLE", help="发布目录 Published folder: trust registry and status")
    ] = None,
    ledger: Annotated[
        list[str] | None,
        typer.Option(envvar="ECERT_LEDGER", help="台账，可重复；窗口登记在第一个 Ledgers; windows are in the first"),
    ] = None,
    office: Annotated[
        Path | None,
        typer.Option(envvar="ECERT_OFFICE", metavar="FILE.toml", help="制证服务的配置 Settings of the issuing service"),
    ] = None,
    passphrase_file: PassphraseOption = None,
    host: Annotated[str, typer.Option(help="监听地址 Address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口，0 为任意 Port; 0 for any")] = 8440,
) -> int:
    """对外提供名录与状态，接收窗口回执；有 --office 则还可制证 Serve registry and status; with --office, issue."""
    import uvicorn  # noqa: PLC0415  (the web framework loads slowly, and no other command needs it)

    from api.app import create_app  # noqa: PLC0415
    from api.services import open_services  # noqa: PLC0415
    from ecert.web.logs import start_logging  # noqa: PLC0415

    settings = None if office is None else load_settings(office)
    if settings is not None:
        published, ledger = published or Path(settings.published), ledger or [settings.ledger]
    if published is None or not ledger:
        raise EcertError(Reason.USAGE, "name what to serve: --office FILE.toml, or --published and --ledger")
    opened = None if settings is None else _open(settings, passphrase_file)
    services = open_services(published, ledger, entry.now, opened)
    start_logging()
    config = uvicorn.Config(
        create_app(services),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
    )
    gc.collect()
    gc.freeze()  # what was loaded stays, and is not looked through again and again for garbage
    count = 0 if settings is None else settings.workers
    try:
        with WorkerProcesses(office or Path(), passphrase_file, count):
            uvicorn.Server(config).run()
    except SystemExit as error:
        raise EcertError(Reason.USAGE, f"cannot listen at {host}:{port}; is another process there?") from error
    return entry.OK


def _open(settings: OfficeSettings, passphrase_file: Path | None) -> "Office":
    from api.office import open_office  # noqa: PLC0415  (as above)

    return open_office(
        settings,
        entry.now,
        signer=lambda uri: open_signer(uri, passphrase_file),
        vault=open_vault(settings.vault, passphrase_file),
    )
