"""The window's process on a port: logging without personal data, and uvicorn."""

from __future__ import annotations

import gc
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from ecert.cli import entry
from ecert.errors import EcertError, Reason
from ecert.web.logs import start_logging
from verifier.app import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from verifier.services import Services


@dataclass(frozen=True, slots=True)
class Tls:
    """A TLS certificate and its key, as files in PEM that fit each other."""

    certificate: Path
    key: Path


def require_tls(certificate: Path | None, key: Path | None) -> Tls | None:
    """Return the certificate and key to serve with; None for plain HTTP.

    Raises:
        EcertError: only one is given, or they cannot be used together.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise EcertError(Reason.USAGE, "give --tls-cert and --tls-key, or neither")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:
        raise EcertError(Reason.USAGE, f"cannot use {certificate} with {key}: {error.strerror}") from error
    return Tls(certificate, key)


def serve_window(services: Services, host: str, port: int, tls: Tls | None) -> None:
    """Serve until told to stop. Requests are counted and not logged: what is scanned here is about people.

    Raises:
        EcertError: the port cannot be bound.
    """
    start_logging()
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    config = uvicorn.Config(
        create_app(services),
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
    )
    server = uvicorn.Server(config)
    gc.collect()
    gc.freeze()  # what was loaded stays, and is not looked through again and again for garbage
    entry.say(f"{'http' if tls is None else 'https'}://{host}:{port}/")
    try:
        server.run()
    except SystemExit as error:
        raise EcertError(Reason.USAGE, f"cannot listen at {host}:{port}; is another process there?") from error
