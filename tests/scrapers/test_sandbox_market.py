"""The simulated market agrees with itself and is the same whenever it is asked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from lake.contracts import SECTORS
from lake.market_calendar import xnys
from scrapers.sandbox.world import actions, bars, calendar, companies, fundamentals, intraday, noise, snapshot
from scrapers.sandbox.world.companies import Company

SEED = 7
ANCHOR = calendar.ANCHOR


def _company(symbol: str, per_sector: int = 100) -> Company:
    found = companies.find(SEED, symbol, per_sector)
    assert found is not None
    return found


def _fictional(number: int, sector: str = "Industrials") -> Company:
    return companies.fictional(SEED, sector, number)


SOME = [
    "AAPL",
    "JPM",
    "T",
    "NEM",
    companies.fictional_symbol("Healthcare", 3),
    companies.fictional_symbol("Utilities", 90),
]


def _clear_caches() -> None:
    for cached in (bars.year_bars, bars._moves, bars._log_level, bars._total, intraday.minutes, snapshot.snapshot):
        cached.cache_clear()


def test_every_sector_has_more_companies_than_the_universe_takes() -> None:
    for per_sector in (100, 1000):
        for sector in SECTORS:
            assert len(companies.of_sector(SEED, sector, per_sector)) > per_sector
    everyone = companies.everyone(SEED, 1000)
    assert len(everyone) > 11_000
    assert len({company.symbol for company in everyone}) == len(everyone)
    fictional = [company for company in everyone if company.fictional]
    assert len({company.name for company in fictional}) == len(fictional)
    assert all(company.name.startswith("Fictional ") for company in fictional)
    assert len({company.cik for company in fictional}) == len(fictional)


def test_a_fictional_company_does_not_depend_on_the_size_of_the_universe() -> None:
    symbol = companies.fictional_symbol("Energy", 42)
    small, large = companies.find(SEED, symbol, 100), companies.find(SEED, symbol, 1000)
    assert small is not None
    assert small is large
    assert small.sector == "Energy"


def test_symbols_beyond_the_universe_are_unknown() -> None:
    last = companies.fictional_count(100)
    assert companies.find(SEED, companies.fictional_symbol("Energy", last - 1), 100) is not None
    assert companies.find(SEED, companies.fictional_symbol("Energy", last), 100) is None
    for symbol in ("", "NOPE", "ZF", "ZFABCD", "ZFab1", "aapl"):
        assert companies.find(SEED, symbol, 100) is None


def test_well_known_companies_keep_their_price_level() -> None:
    for symbol in ("AAPL", "JPM", "XOM", "NEE"):
        company = _company(symbol)
        assert bars.year_bars(SEED, company, ANCHOR.year).close[_at(company, ANCHOR)] == company.price


def _at(company: Company, day: date) -> int:
    days = bars.year_bars(SEED, company, day.year).days
    at = int(np.searchsorted(days, day.toordinal()))
    assert days[at] == day.toordinal()
    return at


@pytest.mark.parametrize("symbol", SOME)
def test_bars_are_ranges_that_hold_open_and_close(symbol: str) -> None:
    history = bars.history(SEED, _company(symbol), date(2015, 1, 1), date(2026, 12, 31))
    assert len(history) > 250
    assert (history.low <= np.minimum(history.open, history.close)).all()
    assert (history.high >= np.maximum(history.open, history.close)).all()
    assert (history.low > 0).all()
    assert (history.volume > 0).all()
    assert [date.fromordinal(int(n)) for n in history.days[-3:]] == xnys().sessions(
        date(2026, 12, 29), date(2026, 12, 31)
    )


@pytest.mark.parametrize("symbol", SOME)
@pytest.mark.parametrize("session", [ANCHOR, date(2025, 11, 28), date(2020, 3, 16)])
def test_minutes_add_up_to_the_day(symbol: str, session: date) -> None:
    company = _company(symbol)
    day, at = bars.year_bars(SEED, company, session.year), _at(company, session)
    path = intraday.minutes(SEED, company, session)
    assert len(path) == (210 if session == date(2025, 11, 28) else 390)
    assert path.path[0] == day.open[at]
    assert path.path[-1] == day.close[at]
    assert path.high.max() == day.high[at]
    assert path.low.min() == day.low[at]
    assert path.volume.sum() == day.volume[at]
    assert (path.volume >= 0).all()
    assert (path.high >= np.maximum(path.path[1:], path.path[:-1])).all()
    assert (path.low <= np.minimum(path.path[1:], path.path[:-1])).all()


def test_volume_is_u_shaped() -> None:
    total = sum(
        intraday.minutes(SEED, company, ANCHOR).volume for company in companies.of_sector(SEED, "Technology", 100)
    )
    thirds = [part.sum() for part in np.array_split(total, 3)]
    assert thirds[0] > 1.2 * thirds[1] < thirds[2]


@pytest.mark.parametrize("symbol", SOME)
def test_quotes_at_the_ticks_agree_with_bars(symbol: str) -> None:
    company = _company(symbol)
    seen = [snapshot.snapshot(SEED, company, tick) for tick in xnys().ticks(ANCHOR)]
    quotes = [quote for quote in seen if quote is not None]
    assert len(quotes) == 14
    day, at = bars.year_bars(SEED, company, ANCHOR.year), _at(company, ANCHOR)
    first, last = quotes[0], quotes[-1]
    assert (first.price, first.high, first.low) == (day.open[at],) * 3
    assert (last.open, last.high, last.low, last.price) == tuple(
        column[at] for column in (day.open, day.high, day.low, day.close)
    )
    assert last.volume == day.volume[at]
    assert last.previous_close == pytest.approx(day.close[at - 1] * day.factor[at] / day.factor[at - 1])
    for earlier, later in pairwise(quotes):
        assert earlier.high <= later.high
        assert earlier.low >= later.low
        assert earlier.volume < later.volume
        assert later.low <= later.price <= later.high
    assert all(quote.moment.quoted_at == int(quote.moment.at.timestamp()) for quote in quotes)


def test_the_same_answer_twice_and_in_any_order() -> None:
    chosen = [_company(symbol) for symbol in SOME]
    at = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)

    def ask(order: list[Company]) -> dict[str, tuple[float, ...]]:
        _clear_caches()
        answers = {}
        for company in order:
            quote = snapshot.snapshot(SEED, company, at)
            assert quote is not None
            old = bars.history(SEED, company, date(2019, 5, 1), date(2019, 5, 31))
            about = fundamentals.fundamentals(SEED, quote)
            answers[company.symbol] = (quote.price, quote.volume, float(old.close.sum()), about.eps, about.target_mean)
        return answers

    forwards = ask(chosen)
    assert ask(list(reversed(chosen))) == forwards
    # … and whether later years were asked for first.
    _clear_caches()
    for company in chosen:
        bars.history(SEED, company, date(2027, 1, 1), date(2027, 3, 1))
        before = bars.history(SEED, company, date(2019, 5, 1), date(2019, 5, 31))
        assert float(before.close.sum()) == forwards[company.symbol][2]


def test_another_seed_is_another_market() -> None:
    first = bars.history(SEED, _company("AAPL"), date(2026, 1, 1), date(2026, 6, 30))
    other = companies.find(SEED + 1, "AAPL", 100)
    assert other is not None
    assert not np.array_equal(first.close, bars.history(SEED + 1, other, date(2026, 1, 1), date(2026, 6, 30)).close)


def test_a_split_leaves_no_jump_in_adjusted_prices() -> None:
    company = _company("NVDA")
    (before, _), (when, ratio) = actions.splits(SEED, company)
    assert before < when
    raw = bars.history(SEED, company, when - timedelta(days=5), when)
    assert raw.close[-1] / raw.close[-2] < 0.2
    now = snapshot.moment(xnys().close_at(when))
    adjusted = snapshot.seen(SEED, company, when - timedelta(days=5), now)
    assert adjusted.close[-1] == raw.close[-1]
    assert adjusted.close[-2] == pytest.approx(raw.close[-2] / float(ratio))
    assert adjusted.volume[-2] == pytest.approx(raw.volume[-2] * float(ratio), rel=1e-9, abs=1)
    quote = snapshot.snapshot(SEED, company, now.at)
    assert quote is not None
    assert quote.previous_close == pytest.approx(raw.close[-2] / float(ratio))
    earlier = snapshot.snapshot(SEED, company, xnys().close_at(xnys().previous_session(when)))
    assert earlier is not None
    assert quote.shares == pytest.approx(earlier.shares * float(ratio), rel=1e-6)


def test_some_fictional_companies_split_within_the_last_year() -> None:
    split = [
        company.symbol
        for company in companies.everyone(SEED, 100)
        if any(date(2025, 11, 20) < day <= ANCHOR for day, _ in actions.splits(SEED, company))
    ]
    assert len(split) >= 3


def test_payers_pay_each_quarter_about_what_they_promise() -> None:
    company = _company("KO")
    year = bars.history(SEED, company, date(2025, 1, 1), date(2025, 12, 31))
    paid = year.dividend[year.dividend > 0]
    assert len(paid) == 4
    assert paid.sum() == pytest.approx(company.yield_pct / 100 * year.close[0], rel=0.1)
    nothing = bars.history(SEED, _company("AMZN"), date(2025, 1, 1), date(2025, 12, 31))
    assert not nothing.dividend.any()


def test_fundamentals_change_at_reports_only() -> None:
    company = _company("MSFT")
    days = [datetime(2026, 1, 5, 21, tzinfo=UTC) + timedelta(days=n) for n in range(320)]
    quotes = [quote for day in days if (quote := snapshot.snapshot(SEED, company, day)) is not None]
    about = [fundamentals.fundamentals(SEED, quote) for quote in quotes]
    assert 3 <= len({each.eps for each in about}) <= 5
    for quote, each in zip(quotes, about, strict=True):
        assert each.reported <= quote.moment.at < each.next_report


def test_returns_are_noise() -> None:
    """No skill for a linear rule on yesterday's return, over the whole market."""
    chosen = companies.everyone(SEED, 100)[::8]
    histories = [bars.history(SEED, company, date(2023, 1, 1), ANCHOR) for company in chosen]
    logs = [np.diff(np.log(history.close / history.factor)) for history in histories if len(history) > 700]
    length = min(len(log) for log in logs)
    returns = np.stack([log[-length:] for log in logs])
    # One number a day, so that what companies share is not counted many times over.
    shared = returns.mean(axis=0)
    assert abs(np.corrcoef(shared[:-1], shared[1:])[0, 1]) < 0.08
    own = returns - shared
    assert abs(np.corrcoef(own[:, :-1].ravel(), own[:, 1:].ravel())[0, 1]) < 0.02
    yearly = returns.std(axis=1) * 252**0.5
    assert 0.15 < np.median(yearly) < 0.6


def test_companies_move_together_and_more_so_within_a_sector() -> None:
    tech = [bars.history(SEED, c, date(2025, 1, 1), ANCHOR) for c in companies.of_sector(SEED, "Technology", 100)[:20]]
    other = [bars.history(SEED, c, date(2025, 1, 1), ANCHOR) for c in companies.of_sector(SEED, "Utilities", 100)[:20]]
    logs = np.stack([np.diff(np.log(history.close / history.factor)) for history in tech + other])
    table = np.corrcoef(logs)
    within = table[:20, :20][np.triu_indices(20, 1)].mean()
    across = table[:20, 20:].mean()
    assert within > across > 0.05


def test_noise_of_several_streams_is_the_noise_of_each() -> None:
    index = np.arange(50)
    together = noise.normals([3, 2**63 + 5], index)
    assert np.array_equal(together[0], noise.normal(3, index))
    assert np.array_equal(together[1], noise.normal(2**63 + 5, index))
    for stream in (3, 2**63 + 5):
        assert [noise.one(stream, n) for n in range(50)] == noise.uniform(stream, index).tolist()
        assert [noise.one_normal(stream, n) for n in range(50)] == pytest.approx(noise.normal(stream, index).tolist())
    large = noise.normal(11, np.arange(200_000))
    assert abs(large.mean()) < 0.01
    assert abs(large.std() - 1) < 0.01


@pytest.mark.parametrize(
    ("at", "session", "state"),
    [
        ("2026-11-20T14:29:59+00:00", date(2026, 11, 19), "PRE"),
        ("2026-11-20T14:30:00+00:00", date(2026, 11, 20), "REGULAR"),
        ("2026-11-20T20:59:00+00:00", date(2026, 11, 20), "REGULAR"),
        ("2026-11-20T21:00:00+00:00", date(2026, 11, 20), "POST"),
        ("2026-11-21T02:00:00+00:00", date(2026, 11, 20), "CLOSED"),
        ("2026-11-27T18:00:00+00:00", date(2026, 11, 27), "POST"),
    ],
)
def test_where_an_instant_stands(at: str, session: date, state: str) -> None:
    now = snapshot.moment(datetime.fromisoformat(at))
    assert (now.session, now.state) == (session, state)
    assert now.running == (state == "REGULAR")


def test_companies_that_came_later_have_no_earlier_bars() -> None:
    late = next(company for company in map(_fictional, range(100)) if company.first_day > date(2016, 1, 1))
    assert snapshot.snapshot(SEED, late, datetime(2015, 6, 1, 20, tzinfo=UTC)) is None
    history = bars.history(SEED, late, date(2015, 1, 1), ANCHOR)
    assert date.fromordinal(int(history.days[0])) == calendar.session_on_or_after(late.first_day)
