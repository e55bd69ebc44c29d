"""The companies of the world: the well-known ones as typed in `listed/`, and any number of plainly fictional ones."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from math import exp
from pathlib import Path

from lake.contracts.market import SECTORS
from scrapers.sandbox.world import names, noise
from scrapers.sandbox.world.calendar import FIRST_DAY

LISTED = Path(__file__).parent / "listed"
FICTIONAL_PREFIX = "ZF"
# SEC counts upwards and stood near two million in 2026: no filer has these.
FICTIONAL_CIK_FROM = 9_000_000
_LETTERS = 26**3
# Coprime to 26³, so that neighbouring companies have symbols that differ in every letter.
_SPREAD, _SPREAD_BACK = 7919, pow(7919, -1, 26**3)
EXCHANGES = {"NMS": "NasdaqGS", "NYQ": "NYSE"}
Splits = tuple[tuple[date, Fraction], ...]


# Compared as objects: there is one for a seed and symbol, and caches look them up by the thousand.
@dataclass(frozen=True, eq=False)
class Company:
    """What does not change about a company.

    Attributes:
        exchange: Yahoo's code, NMS or NYQ.
        price: close at the anchor session, USD.
        shares: shares outstanding at the anchor session.
        yield_pct: dividends of a year over price, percent; 0 for companies that pay none.
        pe: price over earnings at the anchor session; None where it loses money.
        beta: sensitivity to the market's factor.
        own_vol: standard deviation of its own daily log return.
        first_day: first trading day in the world.
        origin: the company before it was renamed or moved (see `world.market`); None where it was not.
        later_splits: splits beside its own, ascending; each divides from its day on.
    """

    symbol: str
    name: str
    sector: str
    industry: str
    exchange: str
    city: str
    state: str | None
    country: str
    address: str | None
    website: str
    employees: int | None
    cik: int | None
    price: float
    shares: int
    yield_pct: float
    pe: float | None
    beta: float
    own_vol: float
    first_day: date
    fictional: bool
    origin: Company | None = None
    later_splits: Splits = ()

    @property
    def born(self) -> Company:
        """The company by whose symbol and sector its numbers are drawn: they go on whatever it is called."""
        return self.origin or self

    @property
    def short_name(self) -> str:
        """The name as Yahoo shortens it."""
        return self.name[:31].rstrip(" ,&")

    @property
    def description(self) -> str:
        """A sentence or two, which say that the figures are simulated."""
        kind = "is a fictional company that" if self.fictional else "is a company that"
        return (
            f"{self.name} {kind} works in the {self.industry} industry of the {self.sector} sector, with its head "
            f"office in {self.city}, {self.state or self.country}. All figures shown for it here are simulated."
        )


def sector_key(name: str) -> str:
    """A sector's or industry's name as in Yahoo's addresses: `financial-services`."""
    plain = name.lower().replace("&", " ").replace(",", " ").replace("-", " ")
    return "-".join(plain.split())


@lru_cache(maxsize=4)
def listed(seed: int) -> dict[str, tuple[Company, ...]]:
    """Sector → its well-known companies."""
    return {sector: tuple(_read(seed, sector)) for sector in SECTORS}


def _read(seed: int, sector: str) -> list[Company]:
    with (LISTED / f"{sector_key(sector)}.csv").open(encoding="utf-8", newline="") as file:
        return [_company(seed, sector, row) for row in csv.DictReader(file)]


def _company(seed: int, sector: str, row: dict[str, str]) -> Company:
    symbol = row["symbol"]
    city, _, region = row["head_office"].rpartition(", ")
    at_home = len(region) == 2
    beta = float(row["beta"])
    return Company(
        symbol=symbol,
        name=row["name"],
        sector=sector,
        industry=row["industry"],
        exchange=row["exchange"],
        city=city,
        state=region if at_home else None,
        country="United States" if at_home else region,
        address=None,
        website=f"https://www.{row['website']}",
        employees=int(row["employees"]) if row["employees"] else None,
        cik=int(row["cik"]) if row["cik"] else None,
        price=float(row["price"]),
        shares=round(float(row["shares_m"]) * 1e6),
        yield_pct=float(row["yield_pct"] or 0),
        pe=float(row["pe"]) if row["pe"] else None,
        beta=beta,
        own_vol=0.007 + 0.006 * beta + 0.004 * noise.one(noise.key(seed, symbol, "vol")),
        first_day=FIRST_DAY,
        fictional=False,
    )


def fictional_count(per_sector: int) -> int:
    """How many fictional companies a sector has, so that its largest `per_sector` are a choice."""
    return per_sector + per_sector // 10 + 10


def fictional_symbol(sector: str, number: int) -> str:
    """The symbol of a sector's fictional company.

    Raises:
        ValueError: when the numbers are used up.
    """
    place = SECTORS.index(sector) + len(SECTORS) * number
    if place >= _LETTERS:
        raise ValueError(f"{sector} cannot have more than {number} fictional companies")
    spread = place * _SPREAD % _LETTERS
    return FICTIONAL_PREFIX + "".join(chr(65 + spread // 26**n % 26) for n in (2, 1, 0))


def _fictional_place(symbol: str) -> int | None:
    tail = symbol.removeprefix(FICTIONAL_PREFIX)
    if len(symbol) != 5 or len(tail) != 3 or not (tail.isascii() and tail.isupper() and tail.isalpha()):
        return None
    first, second, third = (ord(letter) - 65 for letter in tail)
    return (first * 676 + second * 26 + third) * _SPREAD_BACK % _LETTERS


@lru_cache(maxsize=32_768)
def fictional(seed: int, sector: str, number: int) -> Company:
    """A fictional company, the same whatever the size of the universe."""
    symbol = fictional_symbol(sector, number)
    place = SECTORS.index(sector) + len(SECTORS) * number
    draw = noise.key(seed, symbol, "company")
    u = [noise.one(draw, n) for n in range(12)]
    trades, places = names.TRADES[sector], names.PLACES
    again, at = divmod(number, len(places))
    word, industry = trades[(at + again) % len(trades)]
    form = names.FORMS[again // len(trades)]
    foreign = u[0] < 0.12
    city, region = names.FOREIGN_CITIES[int(u[1] * 16)] if foreign else names.HOME_CITIES[int(u[1] * 24)]
    name = f"Fictional {places[at]} {word}{form}"
    price = round(8.0 + 190.0 * u[2] ** 2, 2)
    cap = 2.6e10 * (1 + number / 14) ** -0.8 * exp(0.45 * noise.one_normal(draw, 20))
    pays = sector in _PAYING or u[3] < 0.35
    beta = round(_SECTOR_BETA[sector] + 0.35 * noise.one_normal(draw, 21), 2)
    return Company(
        symbol=symbol,
        name=name,
        sector=sector,
        industry=industry,
        exchange="NMS" if u[4] < 0.45 else "NYQ",
        city=city,
        state=None if foreign else region,
        country=region if foreign else "United States",
        address=f"{100 + int(u[5] * 900)} Example Street",
        website=f"https://{sector_key(name)}.example.com",
        employees=int(60 + cap / 6e5 * u[6] ** 2) if u[7] > 0.02 else None,
        cik=FICTIONAL_CIK_FROM + place,
        price=price,
        shares=max(1_000_000, round(cap / price)),
        yield_pct=round(0.6 + 3.6 * u[8], 2) if pays else 0.0,
        pe=None if u[9] < (0.5 if industry == "Biotechnology" else 0.14) else round(8 + 30 * u[10], 2),
        beta=max(0.1, beta),
        own_vol=0.011 + 0.014 * u[11],
        first_day=_first_day(u[10], u[9]),
        fictional=True,
    )


def _first_day(chance: float, when: float) -> date:
    """Nearly all have traded since the world began; one in twelve came to the market between 2016 and 2023."""
    return FIRST_DAY if chance > 1 / 12 else date(2016, 3, 1) + timedelta(days=int(when * 2800))


_PAYING = frozenset({"Utilities", "Real Estate"})
_SECTOR_BETA = {
    "Basic Materials": 1.05, "Communication Services": 0.95, "Consumer Cyclical": 1.2, "Consumer Defensive": 0.6,
    "Energy": 1.0, "Financial Services": 1.1, "Healthcare": 0.8, "Industrials": 1.05, "Real Estate": 0.9,
    "Technology": 1.3, "Utilities": 0.55,
}  # fmt: skip


@lru_cache(maxsize=128)
def of_sector(seed: int, sector: str, per_sector: int) -> tuple[Company, ...]:
    """All companies of a sector: the well-known ones, then the fictional ones.

    Raises:
        KeyError: when there is no such sector.
    """
    known = listed(seed)[sector]
    return known + tuple(fictional(seed, sector, number) for number in range(fictional_count(per_sector)))


@lru_cache(maxsize=4)
def _known_symbols(seed: int) -> dict[str, Company]:
    return {company.symbol: company for known in listed(seed).values() for company in known}


def find(seed: int, symbol: str, per_sector: int) -> Company | None:
    """The company of a symbol, if there is one in a universe of this size."""
    if company := _known_symbols(seed).get(symbol):
        return company
    place = _fictional_place(symbol)
    if place is None:
        return None
    number, sector = divmod(place, len(SECTORS))
    return fictional(seed, SECTORS[sector], number) if number < fictional_count(per_sector) else None


def everyone(seed: int, per_sector: int) -> list[Company]:
    """Every company of the world, sector by sector."""
    return [company for sector in SECTORS for company in of_sector(seed, sector, per_sector)]
