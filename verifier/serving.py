"""The window's process on a port: logging without personal data, and uvicorn."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING

import uvicorn

from ecert.cli import entry
from ecert.errors import EcertError, Reason
from ecert.web.logs import start_logging
from verifier.app import create_app

if TYPE_CHECKING:
    from verifier.services import Services


def serve_window(services: Services, host: str, port: int) -> None:
    """Serve until told to stop. Requests are counted and not logged: what is scanned here is about people.

    Raises:
        EcertError: the port cannot be bound.
    """
    start_logging()
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    config = uvicorn.Config(
        create_app(services), host=host, port=port, access_log=False, log_config=None, server_header=False
    )
    server = uvicorn.Server(config)
    gc.collect()
    gc.freeze()  # what was loaded stays, and is not looked through again and again for garbage
    entry.say(f"http://{host}:{port}/")
    try:
        server.run()
    except SystemExit as error:
        raise EcertError(Reason.USAGE, f"cannot listen at {host}:{port}; is another process there?") from error
