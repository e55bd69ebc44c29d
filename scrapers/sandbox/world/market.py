"""The market as it stands at an instant: which companies there are, under which symbol and in which sector."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache

from lake.contracts.market import SECTORS
from lake.market_calendar import NEW_YORK
from scrapers.sandbox.world import companies
from scrapers.sandbox.world.actions import own_splits
from scrapers.sandbox.world.changes import ChangeError, Changes
from scrapers.sandbox.world.companies import Company, Splits


@dataclass(frozen=True)
class Market:
    """A world's companies and what happens to them. A change is there from the start of its day in New York."""

    seed: int
    per_sector: int
    changes: Changes = field(default_factory=Changes)

    @staticmethod
    @lru_cache(maxsize=256)
    def read(seed: int, per_sector: int, changes: str) -> Market:
        """The market of a world with the changes that a text asks for (see `Changes.read`).

        Raises:
            ChangeError: when they cannot be read, speak of a company that there is not, or of a symbol that is taken.
        """
        market = Market(seed, per_sector, Changes.read(changes))
        market._check()
        return market

    def _check(self) -> None:
        for symbol in sorted(self.changes.symbols):
            company = companies.find(self.seed, symbol, self.per_sector)
            if company is None:
                raise ChangeError(f"no company {symbol!r} in a world of {self.per_sector} companies a sector")
            own = {day for day, _ in own_splits(self.seed, company)}
            if both := own & {day for day, _ in self.changes.splits_of(symbol)}:
                raise ChangeError(f"{symbol} splits on {min(both)} anyhow")
        for rename in self.changes.renames:
            if companies.find(self.seed, rename.new, self.per_sector):
                raise ChangeError(f"{rename.old} cannot become {rename.new}: there is a company of that symbol")

    def find(self, symbol: str, at: datetime) -> Company | None:
        """The company that goes by a symbol at an instant, if there is one in a universe of this size."""
        if not self.changes.symbols:
            return companies.find(self.seed, symbol, self.per_sector)
        day = at.astimezone(NEW_YORK).date()
        first = self.changes.without(symbol, day)
        company = companies.find(self.seed, first, self.per_sector) if first else None
        return _changed(company, self.changes, day) if company else None

    def of_sector(self, sector: str, at: datetime) -> tuple[Company, ...]:
        """All companies of a sector at an instant.

        Raises:
            KeyError: when there is no such sector.
        """
        if not self.changes.symbols:
            return companies.of_sector(self.seed, sector, self.per_sector)
        return _of_sector(self, sector, at.astimezone(NEW_YORK).date())

    def everyone(self, at: datetime) -> list[Company]:
        """Every company at an instant, sector by sector."""
        return [company for sector in SECTORS for company in self.of_sector(sector, at)]


@lru_cache(maxsize=128)
def _of_sector(market: Market, sector: str, day: date) -> tuple[Company, ...]:
    changes = market.changes
    stayed = [
        company
        for company in companies.of_sector(market.seed, sector, market.per_sector)
        if changes.sector_of(company.symbol, day) in (None, sector)
    ]
    moved = (companies.find(market.seed, move.symbol, market.per_sector) for move in changes.moves)
    came = [
        company
        for company in dict.fromkeys(moved)
        if company and company.sector != sector and changes.sector_of(company.symbol, day) == sector
    ]
    return tuple(_changed(company, changes, day) for company in (*stayed, *came))


def _changed(company: Company, changes: Changes, day: date) -> Company:
    """A company as it is on a day: itself where nothing happens to it."""
    if company.symbol not in changes.symbols:
        return company
    sector = changes.sector_of(company.symbol, day) or company.sector
    return _version(company, changes.symbol_of(company.symbol, day), sector, changes.splits_of(company.symbol))


# One object for each state of a company, as caches look companies up by what they are.
@lru_cache(maxsize=1_024)
def _version(company: Company, symbol: str, sector: str, splits: Splits) -> Company:
    if (symbol, sector, splits) == (company.symbol, company.sector, ()):
        return company
    return replace(company, symbol=symbol, sector=sector, origin=company, later_splits=splits)
