"""Which company a word means: tickers, names, parts of names and common short forms, from the companies loaded.

A word that several companies share is ambiguous, and a general word ("General", "American") always is; nothing is
guessed. Words are as the lexer gives them: lower case, hyphens as blanks, no possessive endings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from chat_api.context import Company, Context

# Legal forms and other endings that people leave out.
_ENDINGS = frozenset(
    [
        "inc",
        "incorporated",
        "corp",
        "corporation",
        "company",
        "co",
        "companies",
        "ltd",
        "limited",
        "plc",
        "sa",
        "nv",
        "ag",
        "se",
        "lp",
        "llc",
        "holdings",
        "holding",
        "group",
        "trust",
        "the",
        "class",
        "a",
        "b",
        "c",
        "common",
        "stock",
        "&",
        "and",
        "international",
        "brands",
        "enterprises",
        "industries",
        "technologies",
        "platforms",
        "systems",
        "n.v",
        "s.a",
    ]
)
# First words that name no company by themselves.
_GENERAL = frozenset(
    [
        "general",
        "american",
        "united",
        "southern",
        "johnson",
        "morgan",
        "national",
        "first",
        "international",
        "western",
        "northern",
        "eastern",
        "standard",
        "global",
        "pacific",
        "atlantic",
        "public",
        "digital",
        "home",
        "old",
        "new",
        "central",
        "west",
        "east",
        "north",
        "south",
        "great",
        "royal",
        "texas",
        "california",
        "host",
        "live",
        "air",
        "best",
        "capital",
        "advanced",
        "applied",
        "consolidated",
        "federal",
        "union",
        "bank",
        "air",
        "marathon",
        "constellation",
        "crown",
        "dominion",
        "extra",
        "essex",
        "equity",
        "realty",
        "regency",
        "entergy",
        "allied",
        "amber",
        "universal",
        "liberty",
        "star",
        "sun",
        "delta",
        "core",
        "blue",
        "red",
        "green",
        "silver",
        "summit",
        "pioneer",
        "premier",
        "prime",
        "alpha",
        "omega",
        "apex",
    ]
)
# Short and former names from general knowledge; each applies only where its ticker is loaded.
ALIASES: dict[str, tuple[str, ...]] = {
    "google": ("GOOGL", "GOOG"), "alphabet": ("GOOGL", "GOOG"), "facebook": ("META",), "meta": ("META",), "coke": ("KO",), "coca cola": ("KO",),
    "pepsi": ("PEP",), "bofa": ("BAC",), "bank of america": ("BAC",), "j&j": ("JNJ",), "jnj": ("JNJ",), "johnson and johnson": ("JNJ",), "johnson & johnson": ("JNJ",),
    "jpmorgan": ("JPM",), "jp morgan": ("JPM",), "jpmorgan chase": ("JPM",), "j.p. morgan": ("JPM",), "exxon": ("XOM",), "exxonmobil": ("XOM",), "exxon mobil": ("XOM",),
    "conoco": ("COP",), "conocophillips": ("COP",), "mcdonalds": ("MCD",), "mcdonald": ("MCD",), "disney": ("DIS",), "walt disney": ("DIS",), "at&t": ("T",), "att": ("T",),
    "verizon": ("VZ",), "p&g": ("PG",), "procter": ("PG",), "procter and gamble": ("PG",), "procter & gamble": ("PG",), "home depot": ("HD",), "amex": ("AXP",),
    "american express": ("AXP",), "american tower": ("AMT",), "general electric": ("GE",), "ge aerospace": ("GE",), "ge": ("GE",), "general motors": ("GM",), "unitedhealth": ("UNH",), "united health": ("UNH",),
    "unitedhealth group": ("UNH",), "berkshire": ("BRK-B", "BRK.B", "BRK-A"), "goldman": ("GS",), "morgan stanley": ("MS",), "citi": ("C",), "citigroup": ("C",), "lilly": ("LLY",), "eli lilly": ("LLY",),
    "raytheon": ("RTX",), "lockheed": ("LMT",), "caterpillar": ("CAT",), "nvidia": ("NVDA",), "tesla": ("TSLA",), "apple": ("AAPL",), "microsoft": ("MSFT",), "amazon": ("AMZN",),
    "netflix": ("NFLX",), "broadcom": ("AVGO",), "visa": ("V",), "mastercard": ("MA",), "boeing": ("BA",), "nike": ("NKE",), "walmart": ("WMT",), "costco": ("COST",),
    "pfizer": ("PFE",), "merck": ("MRK",), "abbvie": ("ABBV",), "linde": ("LIN",), "newmont": ("NEM",), "duke": ("DUK",), "duke energy": ("DUK",), "nextera": ("NEE",), "southern company": ("SO",), "southern co": ("SO",),
    "prologis": ("PLD",), "simon": ("SPG",), "simon property": ("SPG",), "union pacific": ("UNP",), "air products": ("APD",), "chevron": ("CVX",), "ups": ("UPS",), "ibm": ("IBM",), "amd": ("AMD",), "intel": ("INTC",), "salesforce": ("CRM",),
    "oracle": ("ORCL",), "cisco": ("CSCO",), "adobe": ("ADBE",), "qualcomm": ("QCOM",), "comcast": ("CMCSA",), "t mobile": ("TMUS",), "starbucks": ("SBUX",), "lowes": ("LOW",), "philip morris": ("PM",),
    "procter gamble": ("PG",), "honeywell": ("HON",), "3m": ("MMM",), "deere": ("DE",), "john deere": ("DE",), "wells fargo": ("WFC",), "blackrock": ("BLK",), "blackstone": ("BX",), "schwab": ("SCHW",),
    "freeport": ("FCX",), "sherwin": ("SHW",), "ecolab": ("ECL",), "realty income": ("O",), "equinix": ("EQIX",), "welltower": ("WELL",), "public storage": ("PSA",), "crown castle": ("CCI",), "dominion": ("D",), "dominion energy": ("D",),
    "slb": ("SLB",), "schlumberger": ("SLB",), "southern copper": ("SCCO",), "united parcel": ("UPS",), "united airlines": ("UAL",), "bristol myers": ("BMY",), "abbott": ("ABT",), "thermo fisher": ("TMO",), "danaher": ("DHR",), "target": (),
}  # fmt: skip
_SPLIT = re.compile(r"[^a-z0-9&]+")


def name_words(name: str) -> tuple[str, ...]:
    """A company's name as the lexer would give it."""
    plain = name.lower().replace("'s", "s").replace("’s", "s").replace(".com", "").replace("'", "")
    return tuple(word for word in _SPLIT.split(plain) if word)


@dataclass(frozen=True)
class Found:
    """Companies that some words may mean: one is an answer, several a question back.

    Attributes:
        symbols: the companies, the largest first.
        general: whether the words are too general to name a company even if only one fits.
    """

    symbols: tuple[str, ...]
    general: bool = False

    @property
    def sure(self) -> bool:
        """Whether it is one company for certain."""
        return len(self.symbols) == 1 and not self.general


@dataclass
class Names:
    """Phrases that name companies. Build it with `Names.of`."""

    phrases: dict[tuple[str, ...], Found] = field(default_factory=dict)
    tickers: dict[str, str] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    longest: int = 1
    pool: tuple[str, ...] = ()

    @classmethod
    def of(cls, context: Context, taken: frozenset[str]) -> Names:
        """The index of a context; kept with it.

        Args:
            context: holds the companies.
            taken: words of the language itself, which alone never name a company.
        """
        kept = context.__dict__.get("_names")
        if isinstance(kept, Names):
            return kept
        made = cls._build(context, taken)
        context.__dict__["_names"] = made
        return made

    @classmethod
    def _build(cls, context: Context, taken: frozenset[str]) -> Names:
        exact: dict[tuple[str, ...], set[str]] = {}
        partial: dict[tuple[str, ...], set[str]] = {}
        for company in context.companies:
            _add_company(company, exact, partial)
        # An exact short name wins over longer names that begin with it, unless the word is a general one.
        merged = {**partial, **exact}
        for phrase, listed in ALIASES.items():
            held = [symbol for symbol in listed if symbol in context.by_symbol]
            if held:
                merged[tuple(phrase.split())] = set(held)
        for general in _GENERAL:
            shared = {c.symbol for c in context.companies if general in name_words(c.name)}
            if shared:
                merged[(general,)] = shared
        sizes = {c.symbol: c.market_cap or 0.0 for c in context.companies}
        phrases: dict[tuple[str, ...], Found] = {}
        for words, symbols in merged.items():
            if len(words) == 1 and (words[0] in taken or (len(words[0]) < 3 and words[0] not in ALIASES)):
                continue
            ordered = tuple(sorted(symbols, key=lambda symbol: (-sizes[symbol], symbol)))
            phrases[words] = Found(ordered, general=len(words) == 1 and words[0] in _GENERAL)
        parts = {word for words in phrases for word in words if len(word) > 3}
        return cls(
            phrases=phrases,
            tickers={symbol: symbol for symbol in context.by_symbol}
            | {s.replace("-", "."): s for s in context.by_symbol},
            words=frozenset(parts),
            pool=tuple(sorted(word for word in taken | parts if len(word) > 3 and word.isalpha())),
            longest=max((len(words) for words in phrases), default=1),
        )


def _add_company(
    company: Company, exact: dict[tuple[str, ...], set[str]], partial: dict[tuple[str, ...], set[str]]
) -> None:
    words = name_words(company.name)
    if words and words[0] == "the":
        words = words[1:]
    core = words
    while len(core) > 1 and core[-1] in _ENDINGS:
        core = core[:-1]
        exact.setdefault(core, set()).add(company.symbol)
    if not core:
        return
    exact.setdefault(words, set()).add(company.symbol)
    exact.setdefault(core, set()).add(company.symbol)
    for length in range(1, len(core)):
        partial.setdefault(core[:length], set()).add(company.symbol)
    for word in core[1:]:
        if word not in _ENDINGS and len(word) > 3:
            partial.setdefault((word,), set()).add(company.symbol)


def describe(symbol: str, context: Context) -> str:
    """A company as people read it: its name and ticker."""
    company = context.by_symbol.get(symbol)
    return f"{company.name} ({symbol})" if company else symbol
