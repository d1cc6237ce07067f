"""The agent's socket: who connects, within which bounds, and one thread for each.

A process is known by the user that the kernel says it runs as. A frame that has begun must be there within a few
seconds; a connection on which nothing is asked is closed. Nobody can take all the room there is.
"""

from __future__ import annotations

import logging
import os
import socket
import stat
import struct
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, EcertError, MalformedError, Reason
from ecert.web import agent_wire as wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ecert.cbor import Value
    from keys.agent.desk import Desk

MAX_CLIENTS: Final = 256
"""The most connections in all."""
MAX_CLIENTS_EACH: Final = 96
"""The most connections of one user."""
FRAME_PATIENCE: Final = 10.0
"""Seconds in which a frame that has begun must be there, and an answer taken."""
IDLE_PATIENCE: Final = 600.0
"""Seconds after which a connection on which nothing was asked is closed."""
LOOK: Final = 1.0
"""Seconds between two looks whether the agent was told to stop."""
HEAD_PAUSE: Final = 3600.0
"""Seconds between two signed heads of the log."""

_CREDENTIALS: Final = struct.Struct("3i")
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_log = logging.getLogger("ecert.agent")


class Server:
    """Serves a desk at a socket."""

    def __init__(self, desk: Desk, path: Path, group: int | None) -> None:
        """Bind the socket: for its owner alone, or for a group too. What is left of an earlier agent is replaced.

        Args:
            desk: Answers.
            path: Where the socket is made, in a folder that nobody else may write.
            group: The number of the group that may connect; None: nobody but the owner, and root.

        Raises:
            CustodyError: the folder or the path cannot be used, or another agent is listening there.
        """
        self._desk, self._path = desk, path
        self._users: Counter[int] = Counter()
        self._lock, self._large = threading.Lock(), threading.Lock()
        self._ended = threading.Event()
        _require_place(path)
        try:
            self._socket = _bind(path, group)
        except OSError as error:
            raise CustodyError(Reason.INTERNAL, f"cannot listen at {path}: {error.strerror}") from error

    def run(self) -> None:
        """Serve until `stop`."""
        threading.Thread(target=self._sign_heads, daemon=True).start()
        while not self._ended.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                if self._ended.is_set():
                    break
                time.sleep(0.1)  # no descriptor is free
                continue
            self._begin(connection)
        self._path.unlink(missing_ok=True)

    def stop(self) -> None:
        """Take no more connections, and let `run` return."""
        self._ended.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _sign_heads(self) -> None:
        while not self._ended.wait(HEAD_PAUSE):
            try:
                self._desk.journal.sign_head()
            except (EcertError, OSError):
                _log.exception("the head of the log was not signed")

    def _begin(self, connection: socket.socket) -> None:
        _, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        with self._lock:
            full = self._users.total() >= MAX_CLIENTS or self._users[uid] >= MAX_CLIENTS_EACH
            if not full:
                self._users[uid] += 1
        if full:
            _turn_away(connection, Reason.AGENT_RATE_EXCEEDED, "too many connections: close some, or try again later")
            return
        threading.Thread(target=self._serve, args=(connection, uid), daemon=True).start()

    def _serve(self, connection: socket.socket, uid: int) -> None:
        try:
            with connection:
                if not self._desk.knows(uid):
                    self._refuse(connection, uid)
                    return
                while not self._ended.is_set():
                    self._exchange(connection, uid)
        except (OSError, wire.ClosedError):
            pass  # it has gone, or was too slow
        finally:
            with self._lock:
                self._users[uid] -= 1

    def _refuse(self, connection: socket.socket, uid: int) -> None:
        """Turn a stranger away once they ask: a health check only looks whether somebody is here."""
        wire.receive_length(connection, until=time.monotonic() + FRAME_PATIENCE)
        self._desk.note_stranger(uid)
        _turn_away(connection, Reason.AGENT_CALLER_REFUSED, f"the agent's policy names no user {uid}")

    def _exchange(self, connection: socket.socket, uid: int) -> None:
        """Take one request and answer it; what cannot be read is answered, and ends the connection."""
        try:
            length = wire.receive_length(connection, until=time.monotonic() + IDLE_PATIENCE)
            with self._room(length):
                until = time.monotonic() + FRAME_PATIENCE
                request = wire.receive_content(connection, length, until=until)
                reply = self._desk.answer(uid, request)
        except MalformedError as error:
            _turn_away(connection, error.reason, error.detail)
            raise wire.ClosedError from error
        wire.send(connection, reply, until=time.monotonic() + FRAME_PATIENCE)

    @contextmanager
    def _room(self, length: int) -> Iterator[None]:
        """Hold one long request in memory at a time."""
        if length <= wire.SMALL_FRAME:
            yield
            return
        with self._large:
            yield


def _turn_away(connection: socket.socket, reason: Reason, detail: str) -> None:
    answer: Value = [reason.value, detail]
    with connection, suppress(OSError):
        wire.send(connection, answer, until=time.monotonic() + 1)


def _require_place(path: Path) -> None:
    folder = path.parent
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        raise CustodyError(Reason.INTERNAL, f"there is no folder {folder} for the socket") from error
    if mode & _OTHERS_WRITE:
        raise CustodyError(
            Reason.KEY_FILE_EXPOSED, f"others can write to {folder}, and could put a socket of theirs in its place"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise CustodyError(Reason.INTERNAL, f"another agent is listening at {path}")


def _bind(path: Path, group: int | None) -> socket.socket:
    if path.is_socket():
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    if group is not None:
        os.chown(path, -1, group)
        path.chmod(0o660)
    listening.listen(128)
    # A signal that comes between the look at `stop` and the wait for a connection interrupts neither.
    listening.settimeout(LOOK)
    return listening
