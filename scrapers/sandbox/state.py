"""What a running sandbox knows: the size and seed of its world, its clock, and how cookies and crumbs are made."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from lake.clock import Clock
from lake.settings import Settings
from scrapers.sandbox.faults import Plan
from scrapers.sandbox.world.market import Market


class NoSuchInstant(ValueError):
    """An instant that has not come yet by the sandbox's clock, lies before its world, or is none."""


WORLD_BEGINS = datetime(2003, 1, 1, tzinfo=UTC)  # with the first of the logs


@dataclass(frozen=True)
class Sandbox:
    """The settings of a running sandbox.

    Attributes:
        files: folder for the day logs it has made.
        changes: what happens to its companies and its clock (see `world.changes`).
        faults: what goes wrong between it and its clients.
        token: the bearer token that the posts' search demands; None accepts any.
        key: the key that Alpha Vantage demands; None accepts any.
    """

    seed: int
    per_sector: int
    edgar_rows: int
    posts_per_day: int
    tags: tuple[str, ...]
    clock: Clock
    files: Path
    token: str | None = None
    key: str | None = None
    faults: Plan = field(default_factory=Plan)
    changes: str = ""

    def __post_init__(self) -> None:
        """What cannot be is said before anything is served."""
        self.market()

    @classmethod
    def from_settings(cls, settings: Settings) -> Sandbox:
        """The sandbox that the environment asks for.

        Raises:
            FaultError: when its faults cannot be read.
            ChangeError: when its changes cannot be read, or cannot be.
        """
        token, key = settings.x_bearer_token, settings.alphavantage_key
        return cls(
            seed=settings.sandbox_seed,
            per_sector=settings.universe_per_sector,
            edgar_rows=settings.edgar_rows_per_day,
            posts_per_day=settings.posts_per_day,
            tags=settings.tags,
            clock=Clock.from_settings(settings),
            files=settings.home / "run" / "sandbox",
            token=token.get_secret_value() if token else None,
            key=key.get_secret_value() if key else None,
            faults=Plan.read(settings.sandbox_faults),
            changes=settings.sandbox_changes,
        )

    def instant(self, asked: str | None) -> datetime:
        """The instant to serve: that of `X-Sandbox-At` where given, else now; to the whole minute.

        Raises:
            NoSuchInstant: when it is no instant with a zone, still to come, or before the world.
        """
        now = self.clock.now()
        if asked:
            try:
                at = datetime.fromisoformat(asked)
            except ValueError:
                raise NoSuchInstant(f"X-Sandbox-At: {asked!r} is no ISO 8601 instant") from None
            if at.tzinfo is None or not WORLD_BEGINS <= at <= now:
                span = f"{WORLD_BEGINS.isoformat()} to {now.isoformat()}"
                raise NoSuchInstant(f"X-Sandbox-At: {asked!r} needs a zone and must lie within {span}")
            now = at.astimezone(now.tzinfo)
        return now.replace(second=0, microsecond=0)

    def market(self, wished: str | None = None) -> Market:
        """The market with the sandbox's changes, or with those of `X-Sandbox-Changes` in their place.

        Raises:
            ChangeError: when the changes cannot be read, or cannot be.
        """
        return Market.read(self.seed, self.per_sector, self.changes if wished is None else wished)

    def new_cookie(self) -> str:
        """A cookie that this world signs."""
        nonce = secrets.token_hex(8)
        return f"d={nonce}&S={self._sign('cookie', nonce)[:16]}"

    def crumb_of(self, cookie: str) -> str | None:
        """The crumb that belongs to a cookie: eleven characters; None where the cookie is not of this world."""
        nonce = cookie.partition("&")[0].removeprefix("d=")
        genuine = hmac.compare_digest(cookie.encode(), f"d={nonce}&S={self._sign('cookie', nonce)[:16]}".encode())
        return self._sign("crumb", nonce)[:11] if genuine else None

    def _sign(self, purpose: str, nonce: str) -> str:
        digest = hmac.digest(f"sandbox {self.seed} {purpose}".encode(), nonce.encode(), sha256)
        return urlsafe_b64encode(digest).decode().replace("-", "x").replace("_", "y").rstrip("=")
