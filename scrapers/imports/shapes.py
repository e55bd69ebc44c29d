"""The mapping: every shape of file that can be imported, by the names in its header, and what its numbers mean.

Names are compared without case, spaces, underscores and Alpha Vantage's numbering. A file has the first shape whose
columns are all there and which knows every other column, too, unless it says that it ignores the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "bars_daily", "bars_minute", "index_bars_daily", "index_bars_minute", "listings", "sec_tickers", "filings"
]
Basis = Literal["raw", "split_adjusted", "fully_adjusted"]
BASES: tuple[Basis, ...] = ("raw", "split_adjusted", "fully_adjusted")
Formula = Literal["crsp", "crsp_with_gains", "total_return"]

SYMBOL_NAMES = ("symbol", "ticker", "name", "stocksymbol", "stock")
_OHLC = {"open": "open", "high": "high", "low": "low", "close": "close"}
_OHLCV = {**_OHLC, "volume_shares": "volume"}
_ISO, _SLASHED = "%Y-%m-%d", "%Y/%m/%d"


@dataclass(frozen=True)
class Shape:
    """A form of file.

    Attributes:
        kind: what its rows are, which is the silver table they go to.
        about: where such files come from, in a phrase.
        columns: contract column (or a name of the reader's own) → header name; each must be there.
        optional: the same, where it is there; the value is absent otherwise.
        ignored: further names that may be there and say nothing.
        ignores_rest: whether any other column may be there.
        form: how the file is laid out.
        dates: forms of the day, tried in turn.
        basis: what the prices are adjusted for.
        closes_in_float32: whether only the closes are exact 32-bit numbers, which yfinance's adjustment leaves behind;
            None where that is not looked at.
        currency: of all its prices; None where the stamps' offset or the symbol's suffix tell, and else USD.
        adj_close: how the source's own adjusted close is made; see `scrapers.imports.adjusted`.
    """

    name: str
    kind: Kind
    about: str
    columns: Mapping[str, str]
    optional: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    ignores_rest: bool = False
    form: Literal["table", "alphavantage_minutes", "alphavantage_days", "filings"] = "table"
    dates: tuple[str, ...] = (_ISO,)
    basis: Basis | None = None
    closes_in_float32: bool | None = None
    currency: str | None = None
    adj_close: Formula | None = None

    @property
    def required(self) -> frozenset[str]:
        """The header names without which a file is not of this shape."""
        return frozenset(self.columns.values())

    def fits(self, names: frozenset[str], form: str) -> bool:
        """Whether a header with these names is of this shape, its rows apart."""
        if form != self.form or not self.required <= names:
            return False
        known = self.required | set(self.optional.values()) | self.ignored | set(SYMBOL_NAMES) | {"", "unnamed:0"}
        return self.ignores_rest or names <= known


_ACTIONS = {"dividend": "dividends", "split_ratio": "stocksplits"}
_DAY = {"session": "date"}

SHAPES: tuple[Shape, ...] = (
    Shape(
        "yahoo_download",
        "bars_daily",
        "Yahoo's CSV download, and collections of it",
        {**_DAY, **_OHLCV, "source_adj_close": "adjclose"},
        basis="split_adjusted",
        adj_close="crsp",
    ),
    *(
        Shape(
            f"yfinance_history{'_stamped' if day == 'datetime' else ''}",
            "bars_daily",
            "yfinance with auto_adjust off",
            {"session": day, **_OHLCV, "source_adj_close": "adjclose", **_ACTIONS},
            ignored=frozenset({"repaired?"}),
            basis="split_adjusted",
            adj_close="crsp",
        )
        for day in ("date", "datetime")
    ),
    *(
        Shape(
            f"yfinance_fund{'_stamped' if day == 'datetime' else ''}",
            "bars_daily",
            "yfinance of a fund, with auto_adjust off",
            {"session": day, **_OHLCV, "source_adj_close": "adjclose", **_ACTIONS, "gains": "capitalgains"},
            ignored=frozenset({"repaired?"}),
            basis="split_adjusted",
            adj_close="crsp_with_gains",
        )
        for day in ("date", "datetime")
    ),
    Shape(
        "yfinance_adjusted",
        "bars_daily",
        "yfinance with auto_adjust on",
        {**_DAY, **_OHLCV, **_ACTIONS},
        ignored=frozenset({"capitalgains", "repaired?"}),
        basis="fully_adjusted",
    ),
    Shape(
        "ohlcv_adjusted",
        "bars_daily",
        "yfinance with auto_adjust on, its columns of actions left out",
        {**_DAY, **_OHLC},
        {"volume_shares": "volume"},
        basis="fully_adjusted",
        closes_in_float32=True,
    ),
    Shape(
        "ohlcv",
        "bars_daily",
        "the columns that most collections share; vendors give such prices adjusted for splits",
        {**_DAY, **_OHLCV},
        dates=(_ISO, _SLASHED),
        basis="split_adjusted",
        closes_in_float32=False,
    ),
    Shape(
        "ohlcv_with_indicators",
        "bars_daily",
        "the same with columns of indicators, which are not taken",
        {**_DAY, "open": "open", "high": "high", "low": "low", "close": "close(t)", "volume_shares": "volume"},
        ignores_rest=True,
        basis="split_adjusted",
    ),
    Shape(
        "quandl_wiki",
        "bars_daily",
        "Quandl's WIKI prices: as traded, with dividends and splits",
        {
            **_DAY,
            **_OHLCV,
            "dividend": "exdividend",
            "split_ratio": "splitratio",
            "source_adj_close": "adjclose",
        },
        ignored=frozenset({"adjopen", "adjhigh", "adjlow", "adjvolume"}),
        basis="raw",
        adj_close="total_return",
    ),
    Shape(
        "alphavantage_days_csv",
        "bars_daily",
        "Alpha Vantage's TIME_SERIES_DAILY as CSV: as traded",
        {"session": "timestamp", **_OHLCV},
        basis="raw",
    ),
    Shape(
        "alphavantage_days",
        "bars_daily",
        "Alpha Vantage's TIME_SERIES_DAILY: as traded",
        {"session": "timestamp", **_OHLCV},
        form="alphavantage_days",
        basis="raw",
        currency="USD",
    ),
    *(
        Shape(
            f"alphavantage_minutes_csv{'_dated' if stamp == 'date' else ''}",
            "bars_minute",
            "Alpha Vantage's TIME_SERIES_INTRADAY as CSV, one-minute bars",
            {"minute": stamp, **_OHLCV},
        )
        for stamp in ("timestamp", "date")
    ),
    Shape(
        "alphavantage_minutes",
        "bars_minute",
        "Alpha Vantage's TIME_SERIES_INTRADAY, one-minute bars",
        {"minute": "timestamp", **_OHLCV},
        form="alphavantage_minutes",
        currency="USD",
    ),
    Shape(
        "nse_collection",
        "bars_daily",
        "bars of India's NSE with turnover and delivery",
        {**_DAY, **_OHLCV, "series": "series", "previous_close": "prevclose", "vwap": "vwap"},
        ignores_rest=True,
        basis="raw",
        currency="INR",
    ),
    Shape(
        "nse_download",
        "bars_daily",
        "the NSE's own download",
        {
            **_DAY,
            "series": "series",
            "open": "openprice",
            "high": "highprice",
            "low": "lowprice",
            "close": "closeprice",
            "volume_shares": "totaltradedquantity",
        },
        ignores_rest=True,
        dates=("%d-%b-%Y",),
        basis="raw",
        currency="INR",
    ),
    Shape(
        "index_days",
        "index_bars_daily",
        "the NSE's indices by the day, without volume",
        {**_DAY, "index": "indexname", **_OHLC},
        dates=("%d-%b-%y", "%d-%b-%Y", _ISO),
    ),
    Shape(
        "index_minutes",
        "index_bars_minute",
        "the NSE's indices by the minute, without volume",
        {"session": "date", "time": "time", "index": "instrument", **_OHLC},
        dates=("%Y%m%d", _ISO),
    ),
    Shape(
        "nasdaq_screener",
        "listings",
        "Nasdaq's stock screener, one exchange and day a file (EXCHANGE_…YYYY-MM-DD.json)",
        {"symbol": "symbol", "name": "name", "last_sale": "lastsale", "market_cap": "marketcap"},
        {"country": "country", "ipo_year": "ipoyear", "industry": "industry", "sector": "sector"},
        ignored=frozenset({"netchange", "pctchange", "volume", "url"}),
        currency="USD",
    ),
    Shape(
        "nasdaq_screener_history",
        "listings",
        "rows of Nasdaq's stock screener over many days",
        {
            "taken_at": "committime",
            "exchange": "exchangefile",
            "symbol": "symbol",
            "name": "name",
            "last_sale": "lastsale",
            "market_cap": "marketcap",
        },
        {"country": "country", "ipo_year": "ipoyear", "industry": "industry", "sector": "sector"},
        ignored=frozenset({"commit", "netchange", "pctchange", "volume", "url"}),
        currency="USD",
    ),
    *(
        Shape(
            f"sec_tickers{suffix}",
            "sec_tickers",
            "SEC's mapping of tickers to filers",
            {"cik": cik, "symbol": "ticker"},
            {"name": name, "exchange": "exchange"},
            ignores_rest=True,
        )
        for suffix, cik, name in (("", "cik", "name"), ("_json", "cikstr", "title"))
    ),
    Shape(
        "edgar_filings",
        "filings",
        "EDGAR's index pages of filings (-index.htm, many in a zip), or a quarter's master.idx",
        {"accession": "accession", "cik": "cik", "form": "form"},
        {"company": "company", "filed_on": "filedon", "accepted_at": "acceptedat"},
        form="filings",
    ),
)

BY_NAME: dict[str, Shape] = {shape.name: shape for shape in SHAPES}


@dataclass(frozen=True)
class Known:
    """A form of file that is known and not taken.

    Attributes:
        names: header names by which it is told.
        reason: the name of the refusal.
        found: what it is.
    """

    names: frozenset[str]
    reason: str
    found: str


NOT_TAKEN: tuple[Known, ...] = (
    Known(frozenset({"symbol", "gicssector"}), "no_day", "a list of an index's members, which names no day"),
    Known(frozenset({"symbol", "price", "price/earnings"}), "no_day", "a table of fundamentals, which names no day"),
    Known(frozenset({"cik", "entitytype", "sic"}), "no_table", "SEC's submissions of one filer"),
    Known(frozenset({"symbol", "price", "latesttradingday"}), "not_a_bar", "a quote of a day that may not be over"),
    Known(frozenset({"symbol", "assettype", "exchange"}), "no_day", "Alpha Vantage's overview of one company"),
    Known(frozenset({"bestmatches"}), "no_table", "the answer to a search for a symbol"),
    Known(frozenset({"matchscore", "symbol"}), "no_table", "the answer to a search for a symbol"),
    Known(frozenset({"information", "lastrefreshed"}), "no_table", "Alpha Vantage's performance of sectors"),
)
