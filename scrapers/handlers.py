"""A download handler that streams a file to disk, for bodies too large to be held in memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import DownloadFailedError, DownloadTimeoutError
from scrapy.http import Headers, Request, Response

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

# Beginnings are kept for the judge: a refusal is a short page.
HEAD = 64 * 1024


class FileDownloadHandler(BaseDownloadHandler):
    """Writes the body of a request with `meta["into"]` to that path; the response holds its first 64 KiB.

    What it learns on the way is in the request's meta: `file_bytes` and `file_sha256`.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        timeout = crawler.settings.getfloat("DOWNLOAD_TIMEOUT")
        by_proxy = crawler.settings.getbool("HTTPPROXY_ENABLED")
        self._client = httpx.AsyncClient(timeout=timeout, trust_env=by_proxy, follow_redirects=False)
        self._longest = crawler.settings.getint("DOWNLOAD_MAXSIZE")

    async def download_request(self, request: Request) -> Response:
        """Stream one body.

        Raises:
            DownloadTimeoutError: when nothing came for too long.
            DownloadFailedError: when the connection failed, the body was cut short, or is over DOWNLOAD_MAXSIZE.
        """
        headers = [(name, value) for name, values in request.headers.items() for value in values]
        into: Path | None = request.meta.get("into")
        try:
            async with self._client.stream(request.method, request.url, headers=headers, content=request.body) as reply:
                head = await self._write(reply, into if reply.status_code == 200 else None, request)
        except httpx.TimeoutException as problem:
            raise DownloadTimeoutError(str(problem)) from problem
        except (httpx.RequestError, httpx.InvalidURL) as problem:
            raise DownloadFailedError(str(problem)) from problem
        return Response(request.url, reply.status_code, headers=Headers(reply.headers.multi_items()), body=head)

    async def _write(self, reply: httpx.Response, into: Path | None, request: Request) -> bytes:
        head, size, digest = b"", 0, hashlib.sha256()
        file = into.open("wb") if into else None
        try:
            async for chunk in reply.aiter_bytes(1 << 20):
                size += len(chunk)
                if size > self._longest:
                    raise DownloadFailedError(f"over {self._longest} bytes")
                digest.update(chunk)
                head += chunk[: HEAD - len(head)] if len(head) < HEAD else b""
                if file:
                    file.write(chunk)
        finally:
            if file:
                file.close()
        request.meta["file_bytes"], request.meta["file_sha256"] = size, digest.hexdigest()
        return head

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()
