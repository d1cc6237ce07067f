"""A publisher, as a window reads it: a published folder over HTTP or on disk. Nothing that it says is believed here.

What comes back is bytes, at most one more than asked for: that one says that there was more. No compression is
accepted, so nothing unpacks into more than was read; a whole answer has a deadline, so nothing drips for ever; no
redirect is followed.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx2

from ecert.errors import EcertError, MalformedError, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}/){0,8}[A-Za-z0-9_-][A-Za-z0-9._-]{0,255}")
_PATIENCE: Final = 10.0
"""Seconds until a publisher has connected, and between any two pieces of its answer."""
_SLOWEST: Final = 64 * 1024
"""Bytes a second; an answer that comes more slowly than this, after `_PATIENCE`, is given up."""
_REMEMBERED: Final = 64
_SMALL: Final = 256 * 1024
"""Answers up to this length in bytes are remembered with their ETag."""


class UnreachableError(EcertError):
    """The publisher does not answer, or not in a way that can be used."""

    def __init__(self, detail: str) -> None:
        """Say what happened."""
        super().__init__(Reason.SOURCE_UNREACHABLE, detail)


class Publisher(Protocol):
    """Where published files are read."""

    name: str
    """URL or folder, for health and messages."""

    async def get(
        self, path: str, limit: int, *, query: Mapping[str, int] | None = None, patience: float = 0
    ) -> bytes | None:
        """Return a file, or None when there is none.

        Args:
            path: Below the published folder, e.g. `status/440000/head.json`.
            limit: The most bytes it may have. Of a longer one the first `limit` + 1 are returned, no more are read.
            query: For a question rather than a file.
            patience: Seconds that the publisher may think before it answers.

        Raises:
            UnreachableError: there is no usable answer.
            MalformedError: `path` is none.
        """

    async def post(self, path: str, content: Mapping[str, Any], token: str) -> None:
        """Send JSON with a bearer token.

        Raises:
            UnreachableError: it was not accepted.
        """

    async def close(self) -> None:
        """Let go of connections."""


def open_publisher(source: str) -> Publisher:
    """Return the publisher at an `http(s)://` URL or in a folder.

    Raises:
        MalformedError: the URL is not one.
    """
    return WebPublisher(source) if source.startswith(("https://", "http://")) else FolderPublisher(Path(source))


def _checked(path: str) -> str:
    """Return `path` if it is a plain one: names may come from a publisher's own files."""
    if not _PATH.fullmatch(path):
        raise MalformedError(Reason.DATA_MALFORMED, f"{path[:100]!r} is not the path of a published file")
    return path


class FolderPublisher:
    """A published folder on disk."""

    def __init__(self, folder: Path) -> None:
        """Read below `folder`."""
        self.name = str(folder)
        self._folder = folder

    async def get(
        self, path: str, limit: int, *, query: Mapping[str, int] | None = None, patience: float = 0
    ) -> bytes | None:
        """Return a file; a folder answers no questions, and at once."""
        del query, patience
        return await asyncio.to_thread(self._read, _checked(path), limit)

    def _read(self, path: str, limit: int) -> bytes | None:
        try:
            with (self._folder / path).open("rb") as file:
                return file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnreachableError(f"cannot read {path} in {self.name}: {error.strerror}") from error

    async def post(self, path: str, content: Mapping[str, Any], token: str) -> None:
        """Do nothing: a folder keeps no receipts."""

    async def close(self) -> None:
        """Do nothing."""


class WebPublisher:
    """A publisher behind HTTP."""

    def __init__(self, url: str) -> None:
        """Read below `url`.

        Raises:
            MalformedError: it is not a URL of a folder: it has credentials, a query, or no host.
        """
        try:
            parsed = httpx2.URL(url)
        except (httpx2.InvalidURL, ValueError) as error:
            raise MalformedError(Reason.USAGE, f"{url!r} is not a URL") from error
        if not parsed.host or parsed.userinfo or parsed.query or parsed.fragment:
            raise MalformedError(Reason.USAGE, f"{url!r} is not the URL of a publisher: scheme, host and path only")
        self.name = str(parsed).rstrip("/")
        self._remembered: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._client = httpx2.AsyncClient(
            headers={"User-Agent": "ecert-verifier", "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(_PATIENCE),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
        )

    async def get(
        self, path: str, limit: int, *, query: Mapping[str, int] | None = None, patience: float = 0
    ) -> bytes | None:
        """Return a file; one that has not changed since it was last asked for is not sent again."""
        known = None if query else self._remembered.get(path)
        headers = {"If-None-Match": known[0]} if known else {}
        try:
            async with asyncio.timeout(_PATIENCE + patience + limit / _SLOWEST):
                return await self._get(_checked(path), limit, query, headers, httpx2.Timeout(_PATIENCE + patience))
        except (httpx2.HTTPError, httpx2.StreamError, TimeoutError, OSError) as error:
            raise UnreachableError(f"{self.name}: {str(error) or type(error).__name__}") from error

    async def _get(
        self,
        path: str,
        limit: int,
        query: Mapping[str, int] | None,
        headers: Mapping[str, str],
        timeout: httpx2.Timeout,  # noqa: ASYNC109  (of the single operations; the whole has its own)
    ) -> bytes | None:
        url = f"{self.name}/{path}"
        async with self._client.stream("GET", url, params=query, headers=headers, timeout=timeout) as answer:
            if answer.status_code == httpx2.codes.NOT_MODIFIED and path in self._remembered:
                return self._remembered[path][1]
            if answer.status_code == httpx2.codes.NOT_FOUND:
                return None
            if answer.status_code != httpx2.codes.OK:
                raise UnreachableError(f"{url} answers with HTTP status {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise UnreachableError(f"{url} answers compressed, which was not asked for")
            data = await _read_bounded(answer, limit)
            self._remember(path, None if query else answer.headers.get("etag"), data)
            return data

    def _remember(self, path: str, tag: str | None, data: bytes) -> None:
        self._remembered.pop(path, None)
        if tag and len(data) <= _SMALL:
            self._remembered[path] = (tag, data)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)

    async def post(self, path: str, content: Mapping[str, Any], token: str) -> None:
        """Send JSON with a bearer token; what is answered is not read."""
        try:
            async with (
                asyncio.timeout(_PATIENCE),
                self._client.stream(
                    "POST",
                    f"{self.name}/{_checked(path)}",
                    json=content,
                    headers={"Authorization": f"Bearer {token}"},
                ) as answer,
            ):
                if not answer.is_success:
                    raise UnreachableError(f"{self.name}/{path} answers with HTTP status {answer.status_code}")
        except (httpx2.HTTPError, TimeoutError, OSError) as error:
            raise UnreachableError(f"{self.name}: {str(error) or type(error).__name__}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _read_bounded(answer: httpx2.Response, limit: int) -> bytes:
    data = bytearray()
    async for piece in answer.aiter_raw():
        data += piece
        if len(data) > limit:
            break
    return bytes(data[: limit + 1])
