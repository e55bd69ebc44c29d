"""Officers of the world's companies. Every one is made up, also those of companies whose names are known."""

from __future__ import annotations

from typing import Any

from scrapers.sandbox.world import noise
from scrapers.sandbox.world.companies import Company

_FIRST = ("Avery", "Blake", "Casey", "Devon", "Emery", "Finley", "Harper", "Jules", "Kendall", "Logan", "Morgan",
          "Noor", "Parker", "Quinn", "Reese", "Sasha", "Taylor", "Wren", "Yael", "Zion")  # fmt: skip
_LAST = ("Ashgrove", "Brackwater", "Coldbrook", "Dunmarrow", "Eastlake", "Fernhollow", "Greymoor", "Highfen",
         "Inglewick", "Kestermill", "Lowbridge", "Marrowby", "Northgate", "Oakhurst", "Pinmere", "Quenby", "Redwater",
         "Stonefold", "Thornby", "Underhill")  # fmt: skip
_TITLES = (
    "CEO & Director",
    "Chief Financial Officer",
    "Chief Operating Officer",
    "Chief Technology Officer",
    "General Counsel & Secretary",
)


def officers(seed: int, company: Company, year: int) -> list[dict[str, Any]]:
    """A company's officers in Yahoo's form, with their pay of the fiscal year before."""
    stream = noise.key(seed, company.born.symbol, "officers")
    rows = []
    for place, title in enumerate(_TITLES):
        first, last, age, pay = (noise.one(stream, place * 8 + part) for part in range(4))
        years = 38 + int(age * 30)
        paid = int((4e6 if place == 0 else 1.5e6) * (0.5 + pay))
        rows.append(
            {
                "maxAge": 1,
                "name": f"{_FIRST[int(first * len(_FIRST))]} {_LAST[int(last * len(_LAST))]}",
                "age": years,
                "title": title,
                "yearBorn": year - years,
                "fiscalYear": year - 1,
                "totalPay": paid,
                "exercisedValue": 0,
                "unexercisedValue": 0,
            }
        )
    return rows
