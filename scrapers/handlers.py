"""A download handler that streams a file to disk, for bodies too large to be held in memory."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import DownloadFailedError, DownloadTimeoutError
from scrapy.http import Headers, Request, Response

from lake.raw_files import damage_of, sha256_of
from scrapers.downloads import HEAD, Download, FileRefused
from scrapers.errors import Reason

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

log = logging.getLogger("scrapers")
_SAY_EVERY = 10.0  # seconds between two lines on how far a file is


class FileDownloadHandler(BaseDownloadHandler):
    """Takes the file of a request with `meta["download"]` to its path; the response holds its first 64 KiB.

    What it learns on the way is in the request's meta: `file_bytes` and `file_sha256` of a whole file, `file_damage` of
    a zip whose checksums are wrong, and `file_gained`, by how much it came further than before, of one that is not whole.
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
            FileRefused: when the file was cut short, has changed at the source, or is over DOWNLOAD_MAXSIZE.
            DownloadFailedError: when the connection failed before an answer.
        """
        download: Download | None = request.meta.get("download")
        headers = [(name, value) for name, values in request.headers.items() for value in values]
        # A part of a file is one of its own bytes, and not of what they were packed into on their way.
        headers = [(name, value) for name, value in headers if name.lower() != b"accept-encoding"]
        asked = {"Accept-Encoding": "identity", **(download.ask(request.url) if download else {})}
        headers += [(name.encode(), value.encode()) for name, value in asked.items()]
        # Of this attempt, and none of what an earlier one left there.
        request.meta.update(file_gained=0, file_bytes=0, file_sha256=None, file_damage=None)
        began = False
        try:
            async with self._client.stream(request.method, request.url, headers=headers, content=request.body) as reply:
                began = True
                head = await self._take(reply, download, request.url)
        except httpx.TimeoutException as problem:
            raise DownloadTimeoutError(str(problem)) from problem
        except (httpx.RequestError, httpx.InvalidURL) as problem:
            if began:
                raise FileRefused(Reason.TRUNCATED_FILE, str(problem)) from problem
            raise DownloadFailedError(str(problem)) from problem
        finally:
            if download:
                request.meta["file_gained"] = download.progress()
        if download and head.startswith(download.magic) and reply.status_code in {200, 206}:
            await self._finish(download, request)
        told = Headers(reply.headers.multi_items())
        told.pop(b"Content-Encoding", None)
        return Response(request.url, reply.status_code, headers=told, body=head)

    async def _take(self, reply: httpx.Response, download: Download | None, url: str) -> bytes:
        if download and download.goes_on(reply.status_code, reply.headers):
            with download.path.open("r+b", buffering=0) as file:
                file.seek(download.start)
                await self._write(reply.aiter_bytes(), file, download)
            return _head_of(download.path)
        blocks = reply.aiter_bytes()
        head = b""
        async for block in blocks:
            head += block
            if download and reply.status_code == 200 and head.startswith(download.magic):
                self._refuse_large(int(reply.headers.get("content-length", "0")))
                download.start_over(url, reply.headers)
                with download.path.open("wb", buffering=0) as file:
                    await self._write(_with(head, blocks), file, download)
                return _head_of(download.path)
            if len(head) >= HEAD:
                break
        return head[:HEAD]

    async def _write(self, blocks: AsyncIterator[bytes], file: FileIO, download: Download) -> None:
        said = time.monotonic()
        async for block in blocks:
            self._refuse_large(download.start + download.came + len(block))
            file.write(block)
            download.came += len(block)
            if time.monotonic() - said > _SAY_EVERY:
                said = time.monotonic()
                log.info("%s: %s", download.path.name, download.reached)

    def _refuse_large(self, size: int) -> None:
        if size > self._longest:
            raise FileRefused(Reason.FILE_TOO_LARGE, f"over {self._longest} bytes")

    @staticmethod
    async def _finish(download: Download, request: Request) -> None:
        """Judge a file that is there; what is damaged is let go, for the same bytes would come of going on."""
        download.check_length()
        request.meta["file_gained"] = 0
        request.meta["file_bytes"] = download.path.stat().st_size
        request.meta["file_sha256"] = await asyncio.to_thread(sha256_of, download.path)
        zipped = download.magic == b"PK"
        request.meta["file_damage"] = await asyncio.to_thread(damage_of, download.path) if zipped else None
        if request.meta["file_damage"]:
            download.drop()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in rest:
        yield block


def _head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)
