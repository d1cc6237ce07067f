"""A key, and what data at rest is encrypted with, in the keeping of a signing agent (`python -m keys serve`).

    agent:/run/ecert/agent.sock#market      the key that its policy calls `market`

Connections are shared by the threads of a process, and made anew after the agent was restarted. Every wait is bounded.
Asking twice is harmless: what was signed and did not arrive is signed again.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ecert.errors import CustodyError, MalformedError, Reason
from ecert.sm2 import PublicKey, Vault
from ecert.web import agent_wire as wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecert.cbor import Value
    from ecert.sm2 import Place

SCHEME: Final = "agent"
PATIENCE: Final = 15.0
"""Seconds in all that a question may take, an agent's restart within them."""
RENEWED_AFTER: Final = 60.0
"""Seconds after which a process asks which version of the ledger's key is in use."""

_RENEWAL_PATIENCE: Final = 1.0
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5
_MAX_IDLE: Final = 8
"""Connections kept for later."""
_ROOM: Final = 64 * 1024
"""Of a frame, bytes left to what stands beside the texts that are signed."""
_URI: Final = re.compile(r"agent:(?P<path>/[^#\0]{1,107})#(?P<name>[a-z0-9][a-z0-9.-]{0,63})")


class Agent:
    """Asks the agent behind one socket."""

    def __init__(self, path: str, *, patience: float = PATIENCE) -> None:
        """Name the socket; nothing is connected yet.

        Args:
            path: The socket's path.
            patience: Seconds in all that a question may take.
        """
        self._path = path
        self._patience = patience
        self._idle: list[socket.socket] = []
        self._lock = threading.Lock()

    def ask(self, *request: Value, patience: float | None = None) -> Value:
        """Return what the agent answers.

        Args:
            request: See `ecert.web.agent_wire`.
            patience: Seconds, where they are others than usual.

        Raises:
            CustodyError: what the agent refuses; or AGENT_UNREACHABLE, it does not answer in time.
            MalformedError: TOO_LARGE.
        """
        until = time.monotonic() + (self._patience if patience is None else patience)
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._exchange(list(request), until)
            except (OSError, wire.ClosedError) as error:
                if time.monotonic() + pause >= until:
                    raise CustodyError(
                        Reason.AGENT_UNREACHABLE, f"the agent at {self._path} does not answer: {error or 'closed'}"
                    ) from error
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _exchange(self, request: list[Value], until: float) -> Value:
        connection = self._take(until)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # an agent that refuses a caller may have said so
                wire.send(connection, request, until=until)
            length = wire.receive_length(connection, until=until)
            reply = wire.receive_content(connection, length, until=until)
        except BaseException:
            connection.close()
            self._forget()
            raise
        self._keep(connection)
        return _read(reply)

    def _take(self, until: float) -> socket.socket:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(until - time.monotonic(), _FIRST_PAUSE))
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            if len(self._idle) < _MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _forget(self) -> None:
        """Close the connections kept: one that broke says that the agent was restarted."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def __del__(self) -> None:
        """Close the connections kept: whoever holds a signer knows nothing of them."""
        self._forget()


def _read(reply: Value) -> Value:
    match reply:
        case [None, value]:
            return value
        case [str() as code, str() as detail]:
            try:
                reason = Reason(code)
            except ValueError:
                raise _strange() from None
            raise CustodyError(reason, detail)
    raise _strange()


def _strange() -> CustodyError:
    return CustodyError(Reason.AGENT_UNREACHABLE, "what answers at the socket is not a signing agent of this version")


class AgentSigner:
    """One key of an agent.

    Attributes:
        public_key: The key that verifies what this signs.
    """

    def __init__(self, agent: Agent, name: str) -> None:
        """Ask for the key's public part.

        Raises:
            CustodyError: as `Agent.ask`.
        """
        self._agent, self._name = agent, name
        point = agent.ask("open", name)
        if not isinstance(point, bytes):
            raise _strange()
        try:
            self.public_key = PublicKey.from_point(point)
        except MalformedError as error:
            raise _strange() from error

    def sign(self, message: bytes) -> bytes:
        """Return the DER signature over `message`.

        Raises:
            CustodyError: as `Agent.ask`.
            MalformedError: TOO_LARGE.
        """
        return self.sign_many([message])[0]

    def sign_many(self, messages: Sequence[bytes]) -> list[bytes]:
        """Return the signatures over many messages, of which about a thousand go in one round trip.

        Raises:
            CustodyError: as `Agent.ask`.
            MalformedError: TOO_LARGE.
        """
        return [signature for part in _parts(messages) for signature in self._sign(part)]

    def _sign(self, messages: list[Value]) -> list[bytes]:
        answer = self._agent.ask("sign", self._name, self.public_key.key_id, messages)
        if not isinstance(answer, list) or len(answer) != len(messages):
            raise _strange()
        signatures = [one for one in answer if isinstance(one, bytes)]
        if len(signatures) != len(messages):
            raise _strange()
        return signatures


def _parts(messages: Sequence[bytes]) -> Iterator[list[Value]]:
    """Split messages into what goes in one frame: as many as are taken side by side, or a longer one alone."""
    part: list[Value] = []
    length = 0
    for message in messages:
        if part and (len(part) == wire.MAX_BATCH or length + len(message) > wire.SMALL_FRAME - _ROOM):
            yield part
            part, length = [], 0
        part.append(message)
        length += len(message) + 5
    if part:
        yield part


class AgentVault(Vault):
    """The key of a ledger, asked of an agent for this process's run, and asked for again while it lasts.

    It is kept in memory and nowhere else. The agent knows of its rotation first: a version that is new to this
    process is asked for when it is met, and within `RENEWED_AFTER` seconds it encrypts with that one itself.
    """

    __slots__ = ("_agent", "_due", "_name")

    def __init__(self, agent: Agent, name: str) -> None:
        """Ask for the key.

        Raises:
            CustodyError: as `Agent.ask`; or VAULT_KEY_UNUSABLE.
        """
        super().__init__(*_keys(agent.ask("vault", name)))
        self._agent, self._name = agent, name
        self._due = time.monotonic() + RENEWED_AFTER

    def encrypt(self, plain: bytes, place: Place) -> bytes:
        """See `Vault`; under the version that the agent has in use. While it gives none, under the last known."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + RENEWED_AFTER
            try:
                self.renew(patience=_RENEWAL_PATIENCE)
            except CustodyError as error:
                if error.reason not in (Reason.AGENT_UNREACHABLE, Reason.AGENT_RATE_EXCEEDED):
                    raise
        return super().encrypt(plain, place)

    def decrypt(self, sealed: bytes, place: Place) -> bytes:
        """See `Vault`; a version that is new here is asked for."""
        try:
            return super().decrypt(sealed, place)
        except CustodyError:
            self.renew()
        return super().decrypt(sealed, place)

    def renew(self, *, patience: float | None = None) -> None:
        """Ask for the versions that there are now.

        Raises:
            CustodyError: as `Agent.ask`; or VAULT_KEY_UNUSABLE, it is another ledger's key.
        """
        self.adopt(Vault(*_keys(self._agent.ask("vault", self._name, patience=patience))))


def _keys(answer: Value) -> tuple[dict[int, bytes], int, bytes]:
    match answer:
        case [int() as current, dict() as versions, bytes() as index_key]:
            keys = {version: key for version, key in versions.items() if isinstance(version, int)}
            if keys.keys() == versions.keys() and all(isinstance(key, bytes) for key in keys.values()):
                return {version: key for version, key in keys.items() if isinstance(key, bytes)}, current, index_key
    raise _strange()


def read_uri(uri: str) -> tuple[str, str]:
    """Return the socket's path and the key's name in `agent:/path/to.sock#name`.

    Raises:
        CustodyError: USAGE, it is no such name.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        raise CustodyError(
            Reason.USAGE, f"{uri!r} names nothing of an agent: agent:/path/to.sock#name, e.g. /run/ecert/agent.sock"
        )
    return found["path"], found["name"]


def _open(uri: str, patience: float) -> tuple[Agent, str]:
    path, name = read_uri(uri)
    return Agent(path, patience=patience), name


def open_agent_signer(uri: str, *, patience: float = PATIENCE) -> AgentSigner:
    """Open the key that `agent:/path/to.sock#name` names.

    Args:
        uri: The name.
        patience: Seconds in all that each signature may take.

    Raises:
        CustodyError: USAGE, it is no such name; or as `Agent.ask`.
    """
    return AgentSigner(*_open(uri, patience))


def open_agent_vault(uri: str, *, patience: float = PATIENCE) -> AgentVault:
    """Open the key of data at rest that `agent:/path/to.sock#name` names.

    Args:
        uri: The name.
        patience: Seconds in all that a question may take.

    Raises:
        CustodyError: USAGE, it is no such name; or as `Agent.ask`.
    """
    return AgentVault(*_open(uri, patience))
