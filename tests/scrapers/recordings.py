"""The recorded bodies of the material, as (name, url, status, body)."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import yaml


class Recorded(NamedTuple):
    """A recorded response."""

    name: str
    url: str
    status: int | None
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def last(self) -> str:
        return unquote(self.path.rsplit("/", 1)[-1])

    def query(self, key: str) -> str | None:
        return parse_qs(urlsplit(self.url).query).get(key, [None])[0]


def from_cassette(name: str, text: bytes) -> Recorded | None:
    """A node cassette: its body is under bodyJson, body or bodyText."""
    loaded: Any = json.loads(text)
    if not isinstance(loaded, dict) or "response" not in loaded:
        return None
    response = loaded["response"]
    body = response.get("bodyJson", response.get("body", response.get("bodyText", "")))
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Recorded(name, loaded["request"]["url"], response.get("status"), raw)


def yahoo_zip(shared: Path) -> Iterator[Recorded]:
    """All 1,215 cassettes of the zip."""
    with zipfile.ZipFile(shared / "data/yahoo/yf2_http_dev.zip") as archive:
        for name in archive.namelist():
            found = from_cassette(name, archive.read(name))
            assert found is not None, name
            yield found


def yahoo_samples(shared: Path) -> Iterator[Recorded]:
    """The samples by the zip's side; a file that is no cassette is its own body."""
    for path in sorted((shared / "data/sources_samples/yahoo").iterdir()):
        raw = path.read_bytes()
        found = from_cassette(path.name, raw) if path.suffix == ".json" else None
        yield found or Recorded(path.name, "", None, raw)


def quoted_errors(shared: Path) -> Iterator[Recorded]:
    """Bodies that users quoted in issue threads."""
    for line in (shared / "data/yahoo/error_bodies_quoted_in_issues.jsonl").read_text().splitlines():
        entry = json.loads(line)
        yield Recorded(entry["source"], entry.get("url", ""), entry["status"], (entry["body"] or "").encode())


def vcr_yaml(path: Path) -> Iterator[Recorded]:
    """Responses in a vcr.py cassette, unzipped where they were zipped."""
    for entry in yaml.safe_load(path.read_text())["interactions"]:
        body = entry["response"]["body"]["string"]
        raw = body if isinstance(body, bytes) else body.encode()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        yield Recorded(path.name, entry["request"]["uri"], entry["response"]["status"]["code"], raw)


def vcr_json(path: Path) -> Iterator[Recorded]:
    """Responses in the JSON form of a vcr.py cassette."""
    for entry in json.loads(path.read_text())["interactions"]:
        body = entry["response"]["body"]
        text = body.get("string") or body.get("base64_string") or ""
        raw = base64.b64decode(text) if "base64_string" in body else text.encode()
        if re.match(rb"\x1f\x8b", raw):
            raw = gzip.decompress(raw)
        yield Recorded(path.name, entry["request"]["uri"], entry["response"]["status"]["code"], raw)
