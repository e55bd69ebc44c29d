"""Settings: every choice a user can make, from `TIDEMARK_*` in the environment or `.env`.

Secrets are `SecretStr`: they are never shown in logs, errors or reports.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from lake.stream_settings import StreamSettings

if TYPE_CHECKING:
    from lake.contracts.base import Table

World = Literal["simulated", "real"]
SourceMode = Literal["live", "files", "off"]
MinuteSource = Literal["yahoo", "alphavantage"]

_S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)*/?")
_BASE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/?")


class SettingsError(ValueError):
    """A setting that cannot be used; the text names it, its value and what is allowed."""


class Settings(StreamSettings):
    """All settings with their defaults. Frozen: a process reads them once."""

    model_config = SettingsConfigDict(
        env_prefix="TIDEMARK_",
        env_ignore_empty=True,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
    )

    home: Path = Field(Path(".tidemark"), description="folder that holds all state")
    world: World | None = Field(None, description="simulated or real; decided when a home is made")
    lake: str | None = Field(None, description="s3://bucket/prefix; empty for the home's own folder")
    s3_endpoint: str | None = Field(None, description="base URL of an S3 server that is not Amazon's")
    s3_allow_http: bool = Field(False, description="speak to an S3 server elsewhere without encryption")
    now: str | None = Field(None, description="start instant of the clock, ISO 8601 with zone; a trailing ! freezes it")
    host: str = Field("127.0.0.1", description="address that the services bind to")
    postgres_url: SecretStr | None = Field(
        None, description="a PostgreSQL server's owner URL instead of the bundled one"
    )

    universe_per_sector: int = Field(100, ge=1, le=1000, description="companies a sector, by market cap")
    news_per_sector: int = Field(
        10, ge=1, le=1000, description="companies a sector, the largest, whose news is collected"
    )
    bars_years: int = Field(1, ge=1, le=10, description="years of daily bars in the first load")
    minute_symbols: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="companies whose minutes are collected, comma separated; empty for the largest of each sector"
    )
    minute_source: MinuteSource = Field(
        "yahoo", description="who is asked for companies' minutes, and believed first: yahoo or alphavantage"
    )
    index_minute_sessions: int = Field(
        3, ge=1, le=30, description="sessions of an index's minutes in a load of many days, the newest"
    )
    edgar_days: int = Field(21, ge=1, le=400, description="days of EDGAR logs in the first load, the newest included")
    edgar_rows_per_day: int = Field(50_000, ge=100, le=50_000_000, description="rows in a simulated EDGAR day")
    visits: Literal["all", "human"] = Field("all", description="which visits pages, ranks and unusual attention go by")
    visits_repeats: Literal["count", "once"] = Field(
        "count", description="whether exact repeats of a log's line are visits, or count once"
    )
    visits_documents_a_minute: int = Field(
        25, ge=1, description="documents a minute; an address that asks for more is a robot's in it, not a human's"
    )
    bands_zeros: Literal["zero", "left_out"] = Field(
        "zero", description="seconds of a loaded day without a visit: zero in the bands, or left out of them"
    )
    bands_days: int = Field(
        0, ge=0, description="loaded days of a series that its bands rest on, the newest; 0 for all"
    )
    posts_per_day: int = Field(2_400, ge=10, le=1_000_000, description="posts in a simulated day")
    tags: Annotated[tuple[str, ...], NoDecode] = Field(
        ("nifty50", "sensex", "intraday", "banknifty"), description="tags collected, comma separated, without #"
    )
    sandbox_faults: str = Field(
        "", description="what goes wrong between the sandbox and its clients, such as all:0.1; see docs/faults.md"
    )
    sandbox_changes: str = Field(
        "", description="what happens to companies, such as split:MSFT:4@2026-11-24; see docs/faults.md"
    )
    sandbox_seed: int = Field(7, ge=0, description="seed of the simulated market")

    source_yahoo: SourceMode = Field("files", description="Yahoo in a real home: live, files or off")
    source_x: SourceMode = Field("files", description="the X API in a real home: live, files or off")
    source_news: SourceMode = Field("files", description="Yahoo's news in a real home: live, files or off")
    source_sec: SourceMode = Field("files", description="SEC in a real home: live, files or off")
    source_alphavantage: SourceMode = Field("files", description="Alpha Vantage in a real home: live, files or off")
    accept_terms: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="live sources whose terms you have read and may use, comma separated, such as sec,yahoo"
    )
    yahoo_query1_url: str | None = Field(None, description="base URL; empty for the sandbox")
    yahoo_query2_url: str | None = Field(None, description="base URL; empty for the sandbox")
    yahoo_search_url: str | None = Field(None, description="base URL of the news search; empty for the sandbox")
    yahoo_rss_url: str | None = Field(None, description="base URL of the RSS headlines; empty for the sandbox")
    yahoo_cookie_url: str | None = Field(None, description="URL that sets the cookie; empty for the sandbox")
    x_api_url: str | None = Field(None, description="base URL; empty for the sandbox")
    sec_url: str | None = Field(None, description="base URL; empty for the sandbox")
    x_bearer_token: SecretStr | None = Field(None, description="bearer token of the X API")
    alphavantage_url: str | None = Field(None, description="base URL; empty for the sandbox")
    alphavantage_key: SecretStr | None = Field(None, description="API key of Alpha Vantage, letters and digits")
    alphavantage_requests_per_minute: float = Field(
        5.0, gt=0, le=1_200, description="request rate to live Alpha Vantage, by the minute"
    )
    alphavantage_requests_per_day: int = Field(
        25, ge=0, description="requests to live Alpha Vantage in a UTC day; 0 for a key without a daily cap"
    )
    contact: str | None = Field(None, description="'NAME EMAIL' that live sources are told")
    yahoo_requests_per_second: float = Field(2.0, gt=0, le=50, description="request rate to live Yahoo")
    x_requests_per_second: float = Field(0.5, gt=0, le=5, description="request rate to the live X API")
    sec_requests_per_second: float = Field(8.0, gt=0, le=10, description="request rate to live SEC, which allows 10")
    live_concurrency: int = Field(4, ge=1, le=16, description="requests in flight to a live host")
    shards_per_sector: int = Field(3, ge=1, le=50, description="slices of a sector that a tick's crawl is made of")
    shards_at_once: int = Field(0, ge=0, le=64, description="slices crawled at once; 0 for as many as there are cores")
    host_refusals: int = Field(20, ge=1, le=10_000, description="refusals in a row after which a host is left alone")
    host_pause_seconds: float = Field(
        60.0, ge=0, le=900, description="how long it is left alone at first; twice as long each further time"
    )
    sandbox_concurrency: int = Field(16, ge=1, le=256, description="requests in flight to the sandbox")

    spark_remote: str | None = Field(
        None, description="Spark Connect address of a cluster; empty for the embedded engine"
    )
    hot_days: Annotated[dict[str, int], NoDecode] = Field(
        {}, description="days of a gold table that PostgreSQL holds, as in quotes=400,visits_second=31"
    )
    shared: Path = Field(Path("../shared"), description="folder of recordings that tests and benchmarks read")

    @field_validator("tags", mode="before")
    @classmethod
    def _split_tags(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(part.strip().lstrip("#").lower() for part in value.split(",") if part.strip())
        if not value:
            raise ValueError("at least one tag, such as nifty50")
        return value

    @field_validator("lake")
    @classmethod
    def _check_lake(cls, value: str | None) -> str | None:
        if not value:
            return None
        found = _S3_URI.fullmatch(value)
        if found is None:
            raise ValueError(
                "s3://BUCKET or s3://BUCKET/PREFIX, the bucket of 3 to 63 of a–z 0–9 . -, "
                "the prefix of letters, digits and . _ - between slashes"
            )
        return value.rstrip("/")

    @field_validator("s3_endpoint")
    @classmethod
    def _check_endpoint(cls, value: str | None) -> str | None:
        if value and not _BASE_URL.fullmatch(value):
            raise ValueError("a base URL without user, path or query, such as https://s3.example.org:9000")
        return value.rstrip("/") if value else None

    @field_validator("accept_terms", mode="before")
    @classmethod
    def _split_terms(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("hot_days", mode="before")
    @classmethod
    def _split_hot_days(cls, value: object) -> object:
        from lake.contracts import TABLES

        if not isinstance(value, str):
            return value
        found: dict[str, int] = {}
        for part in filter(None, (part.strip() for part in value.split(","))):
            name, _, days = (piece.strip() for piece in part.partition("="))
            known = TABLES.get(f"gold.{name}")
            if known is None or not any(column in {"session", "log_date"} for column in known.partition_by):
                raise ValueError(f"{name!r} is no gold table that is kept by days, such as quotes or visits_second")
            if not days.isdecimal() or int(days) < 1:
                raise ValueError(f"{part!r}: a number of days from 1, such as quotes=400")
            found[name] = int(days)
        return found

    def hot_days_of(self, table: Table) -> int | None:
        """How many days of a gold table PostgreSQL holds: the setting, else the contract; None for all."""
        return self.hot_days.get(table.name, table.hot_days)

    @field_validator("minute_symbols", mode="before")
    @classmethod
    def _split_symbols(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(dict.fromkeys(part.strip().upper() for part in value.split(",") if part.strip()))
        return value

    @field_validator("alphavantage_key")
    @classmethod
    def _check_key(cls, value: SecretStr | None) -> SecretStr | None:
        # A key is cut out of whatever repeats it; one that could be a price or a word would be cut out of those too.
        key = value.get_secret_value() if value else ""
        if value and not (key.isascii() and key.isalnum() and len(key) >= 8 and not key.isdigit()):
            raise ValueError("at least 8 letters and digits, not digits alone")
        return value

    @field_validator("now")
    @classmethod
    def _check_now(cls, value: str | None) -> str | None:
        from lake.clock import parse_start

        if value:
            parse_start(value)
        return value or None

    @field_validator("spark_remote", "stream_remote")
    @classmethod
    def _check_remote(cls, value: str | None) -> str | None:
        if value and not value.startswith("sc://"):
            raise ValueError("a Spark Connect address, such as sc://host:15002")
        return value or None


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment and `.env`; keyword arguments win.

    Raises:
        SettingsError: naming each setting that is wrong, its value and what is allowed.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_url=False):
            name = ".".join(str(part) for part in problem["loc"])
            about = Settings.model_fields[name].description if name in Settings.model_fields else None
            secret = (
                "SecretStr" in str(Settings.model_fields[name].annotation) if name in Settings.model_fields else False
            )
            value = "(hidden)" if secret else repr(problem.get("input"))
            lines.append(
                f"TIDEMARK_{name.upper()}={value}: {problem['msg'].removeprefix('Value error, ')}"
                + (f" ({about})" if about else "")
            )
        raise SettingsError("\n".join(lines)) from None
