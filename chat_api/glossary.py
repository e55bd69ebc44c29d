"""What the terms mean: a sentence each, with units from the table contracts."""

from __future__ import annotations

from chat_api.plan import Definition
from chat_api.vocabulary import METRICS

# concept → (title, what it is)
TERMS: dict[str, tuple[str, str]] = {
    "price": ("price", "the last trade at or before a tick, in USD; ticks run every 30 minutes from the open to the close"),
    "close": ("close", "the last trade of a session, in USD, as traded that day"),
    "adj_close": ("adjusted close", "the close with later dividends and splits taken out, so that two days can be compared: going back, each dividend multiplies earlier closes by 1 − dividend / previous close, and each split divides them by its ratio, in USD"),
    "previous_close": ("previous close", "the close of the session before, in USD"),
    "open": ("open", "the first trade of a session, in USD"),
    "day_high": ("day high", "the highest trade of the session so far, in USD"),
    "day_low": ("day low", "the lowest trade of the session so far, in USD"),
    "high": ("high", "the highest trade of a session, in USD"),
    "low": ("low", "the lowest trade of a session, in USD"),
    "volume": ("volume", "the number of shares traded in a session (so far, at a tick), in shares"),
    "average_volume": ("average volume, 3 months", "the average daily volume of the last three months, in shares"),
    "market_cap": ("market cap", "shares outstanding times price, in USD"),
    "pe": ("P/E", "the price over the earnings per share of the trailing twelve months, a ratio; it is absent where EPS is zero or negative, because it would have no meaning"),
    "eps": ("EPS", "earnings per share over the trailing twelve months, in USD a share; negative for a loss"),
    "dividend_yield": ("dividend yield", "the dividends expected over a year as a percentage of the price"),
    "forward_dividend": ("forward dividend", "the dividends expected over the next year, in USD a share"),
    "beta": ("beta", "how strongly a share moved with the market over five years of months, a ratio: 1 moves with it"),
    "high_52w": ("52-week high", "the highest price of the last 52 weeks, in USD"),
    "low_52w": ("52-week low", "the lowest price of the last 52 weeks, in USD"),
    "below_high_52w": ("distance to the 52-week high", "how far the price is below its highest of 52 weeks, in percent of that high"),
    "above_low_52w": ("distance to the 52-week low", "how far the price is above its lowest of 52 weeks, in percent of that low"),
    "day_range": ("day range", "the lowest and the highest trade of the session so far, in USD"),
    "range_52w": ("52-week range", "the lowest and the highest price of the last 52 weeks, in USD"),
    "bid": ("bid", "the best price that a buyer offers, in USD"),
    "ask": ("ask", "the best price that a seller asks, in USD"),
    "target": ("one-year target", "the mean one-year price target as the source gives it, in USD"),
    "earnings_date": ("earnings date", "the next date of earnings as the source gives it"),
    "ex_dividend_date": ("ex-dividend date", "the first day on which a share trades without its dividend"),
    "change": ("change", "the price less the previous close, in USD"),
    "change_pct": ("change %", "the price less the previous close, in percent of the previous close"),
    "return": ("return", "the change of the adjusted close over a period, in percent, from the close of the last session before it to the close of its last session"),
    "daily_return": ("daily return", "the adjusted close over that of the session before, less one, in percent"),
    "volatility": ("volatility", "the sample standard deviation of daily returns over a period times √252: annualised, in percent"),
    "drawdown": ("maximum drawdown", "the largest fall of the adjusted close from its highest so far within a period, in percent of that high"),
    "ma_20": ("20-day average", "the average close of the last 20 sessions, in USD; empty before there are 20"),
    "ma_50": ("50-day average", "the average close of the last 50 sessions, in USD; empty before there are 50"),
    "ma_200": ("200-day average", "the average close of the last 200 sessions, in USD; empty before there are 200"),
    "dividend": ("dividend", "what a share paid, on its ex-date, in USD a share"),
    "split": ("split", "new shares for each old one on a day, a ratio; 1 for none"),
    "employees": ("employees", "full-time employees, in people"),
    "cik": ("CIK", "the SEC's number of a filer, the central index key"),
    "change_weighted": ("cap-weighted change %", "the change % of a sector's companies, each weighted by its market cap at the previous close, in percent"),
    "change_avg": ("average change %", "the plain average of the change % of a sector's companies, in percent"),
    "advancers": ("advancers", "companies of a sector priced above their previous close, in companies"),
    "decliners": ("decliners", "companies of a sector priced below their previous close, in companies"),
    "posts": ("posts", "posts with a tag in an hour, in posts"),
    "engagement": ("engagement", "likes + 2 × reposts + 1.5 × replies of the posts, in points"),
    "sentiment": ("sentiment", "the mean keyword sentiment of posts, a score from −1 (negative) to 1 (positive)"),
    "composite": ("composite signal", "a score from −1 to 1 for a tag in an hour: the mean over its posts of text features, sentiment and engagement, weighted 50, 30 and 20"),
    "posts_per_user": ("posts a user", "posts with a tag in an hour over the distinct authors"),
    "visits": ("attention", "visits to a company's filings in the SEC's EDGAR access logs, in requests; visits relative to the usual are a day's visits over the median of comparable days of the ten weeks before, at the day's level of all companies, a ratio"),
    "visit_share": ("share of all visits", "a company's visits in percent of all companies' on that day"),
    "visit_rank": ("rank by visits", "a company's place by visits on a day; equal numbers share a place"),
    "relative": ("visits relative to the usual", "a day's visits over the median of comparable days of the ten weeks before (same weekday, or workdays, or weekends), at the day's level of all companies, a ratio; absent under 10 such days"),
    "forecast": ("forecast", "a model's close and return for the coming session, with an interval"),
    "forecast_return": ("forecast return", "the return to the close of the session forecast, in percent"),
    "forecast_close": ("forecast close", "the close that the model forecasts, in USD"),
    "interval": ("forecast interval", "the range that the actual close should fall into as often as its level says, in USD"),
    "actual": ("actual close", "the close that came, in USD"),
    "error": ("absolute error", "the distance of the forecast close from the actual one, in USD"),
    "skill": ("skill against persistence", "1 − error / error of persistence: above 0 the forecast was nearer to the actual close than “tomorrow as today” was; a ratio"),
    "champion": ("champion", "the model whose forecasts are shown as the current ones; it holds the registry's alias “champion”"),
    "challenger": ("challenger", "a model that forecasts beside the champion and is compared with it until it does better"),
    "bands": ("percentile bands", "the 25th, 75th and 95th percentile of visits in the same second of the day over days"),
    "session": ("session", "a trading day of the exchange"),
    "tick": ("tick", "a 30-minute instant of a session, open and close included"),
    "coverage": ("coverage", "the companies received at a tick in percent of those expected; each that is missing has its reason"),
    "gaps": ("gap", "a tick at which companies that were expected were not received, with the reason"),
    "quarantined": ("quarantine", "where rows go that break their table's contract, with the reason"),
    "loaded_at": ("freshness", "the minutes since a table was last loaded"),
}  # fmt: skip


def define(concepts: tuple[str, ...]) -> Definition | None:
    """The meaning of some terms; None where one is unknown."""
    if not concepts or any(concept not in TERMS for concept in concepts):
        return None
    texts = [f"{TERMS[concept][0]}: {TERMS[concept][1]}." for concept in concepts]
    sentence = " ".join(text[0].upper() + text[1:] for text in texts)
    return Definition(terms=tuple(TERMS[concept][0] for concept in concepts), text=sentence)


def term_of(metric: str) -> str:
    """The label of a metric, for a page's explanation."""
    return METRICS[metric].label
