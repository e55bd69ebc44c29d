"""The S&P 500 of the world: what its companies have in common, so that it moves with their bars.

Its returns are the market's factor and the mean of the sectors', without a company's own part: as those of a large
basket are. It is made and served as a company is, but is none: no screener, quote or summary knows it.
"""

from __future__ import annotations

from functools import lru_cache

from scrapers.sandbox.world.calendar import FIRST_DAY
from scrapers.sandbox.world.companies import Company

SYMBOL = "^GSPC"


@lru_cache(maxsize=4)
def sp500(seed: int) -> Company:
    """The index in a company's form: one for a seed, as caches need."""
    del seed
    return Company(
        symbol=SYMBOL, name="S&P 500", sector="", industry="", exchange="SNP", city="", state=None,
        country="United States", address=None, website="", employees=None, cik=None, price=6_650.0,
        shares=600_000_000_000, yield_pct=0.0, pe=None, beta=1.0, own_vol=0.0005, first_day=FIRST_DAY, fictional=False,
    )  # fmt: skip
