"""The market's assets: universe, companies, quotes with sectors and coverage, bars with corporate actions."""

from collections.abc import Iterable

import dagster as dg

from orchestration.assets.factory import asset_key, lake_asset, lake_assets, of_any_day
from orchestration.partitions import sessions
from orchestration.steps import bars, listings, market, minute_coverage, minutes, tickers, ticks
from orchestration.steps.chosen import AGREE_CHECK, BASIS_CHECK, SEAM_CHECK
from orchestration.steps.imports import FILE_CHECKS

_ABOUT = {
    "columns_as_named": "No imported file has its prices under each other's names.",
    "dates_are_sessions": "The days of imported files are the exchange's sessions; shifted dates are not.",
    "sessions_complete": "A warning where an imported file lacks a session between its first and its last.",
    "adjusted_close_follows": "A warning where a file's own adjusted close is not what its formula makes.",
    BASIS_CHECK: "Raw closes fall over a known split and adjusted ones do not.",
    AGREE_CHECK: "A warning where two origins of one basis tell different prices of a day.",
    SEAM_CHECK: "A warning where the price jumps from one origin's day to the next one's.",
}


def _checks(table_id: str, names: Iterable[str]) -> list[dg.AssetCheckSpec]:
    """Checks that block nothing: what they find is refused already, or a warning."""
    return [dg.AssetCheckSpec(name, asset=asset_key(table_id), description=_ABOUT[name]) for name in names]


def build() -> list[dg.AssetsDefinition]:
    """All assets of the group."""
    by_session = sessions()
    landed_minutes = [*(source.bodies for source in minutes.SOURCES.values()), minute_coverage.UNANSWERED]
    return [
        lake_asset("bronze.yahoo_screener", market.land_universe, partitions=by_session),
        lake_asset("silver.universe", market.settle_universe, deps=["bronze.yahoo_screener"], partitions=by_session),
        lake_asset("gold.universe", market.gold_universe, deps=["silver.universe"], partitions=by_session),
        lake_asset("bronze.yahoo_summary", market.land_profiles, deps=["gold.universe"], partitions=by_session),
        lake_asset("silver.profiles", market.settle_profiles, deps=["bronze.yahoo_summary"], partitions=by_session),
        lake_asset("silver.officers", market.settle_officers, deps=["bronze.yahoo_summary"], partitions=by_session),
        lake_asset("gold.officers", market.gold_officers, deps=["silver.officers"], partitions=by_session),
        lake_assets(
            [tickers.MAPPED, tickers.TICKERS],
            tickers.settle_mappings,
            {tickers.MAPPED: ["bronze.files"], tickers.TICKERS: ["bronze.files"]},
        ),
        lake_asset("gold.filers", tickers.gold_filers, deps=[tickers.MAPPED, "gold.companies"]),
        lake_asset(
            "gold.companies",
            market.gold_companies,
            deps=["silver.profiles", "silver.sec_tickers", "silver.bars_daily", "silver.bars_minute"],
        ),
        lake_assets(
            [ticks.BODIES, ticks.UNANSWERED],
            ticks.land_quotes,
            {ticks.BODIES: ["gold.universe"], ticks.UNANSWERED: ["gold.universe"]},
            by_session,
        ),
        lake_asset("silver.quotes", ticks.settle_quotes, deps=["bronze.yahoo_quotes"], partitions=by_session),
        lake_assets(
            ["gold.quotes", "gold.sectors", "gold.coverage"],
            ticks.gold_quotes,
            {
                "gold.quotes": ["silver.quotes", "silver.profiles"],
                "gold.sectors": ["silver.quotes", "gold.universe"],
                "gold.coverage": ["silver.quotes", "gold.universe", "bronze.unanswered"],
            },
            by_session,
            checks=[
                dg.AssetCheckSpec(
                    ticks.COVERAGE_CHECK,
                    asset=asset_key("gold.coverage"),
                    description="Of the companies expected at a tick: an error below 98 %, a warning below all.",
                )
            ],
        ),
        lake_asset(
            "bronze.yahoo_chart", bars.land_bars, deps=["gold.universe"], partitions=by_session, whole_range=True
        ),
        lake_assets(
            ["silver.bars_daily", "silver.corporate_actions"],
            bars.settle_bars,
            {
                "silver.bars_daily": ["bronze.yahoo_chart", of_any_day("bronze.files")],
                "silver.corporate_actions": ["bronze.yahoo_chart", of_any_day("bronze.files")],
            },
            by_session,
            whole_range=True,
            checks=_checks("silver.bars_daily", FILE_CHECKS),
        ),
        lake_assets(
            ["gold.bars_daily", "gold.corporate_actions"],
            bars.gold_bars,
            {
                "gold.bars_daily": ["silver.bars_daily", "silver.corporate_actions"],
                "gold.corporate_actions": ["silver.corporate_actions"],
            },
            checks=_checks("gold.bars_daily", (BASIS_CHECK, AGREE_CHECK, SEAM_CHECK)),
        ),
        lake_assets(
            landed_minutes,
            minutes.land_minutes,
            {name: ["gold.universe"] for name in landed_minutes},
            by_session,
            whole_range=True,
        ),
        lake_asset(
            "silver.bars_minute",
            minutes.settle_minutes,
            deps=["bronze.yahoo_minutes", "bronze.alphavantage_minutes", of_any_day("bronze.files")],
            partitions=by_session,
            whole_range=True,
        ),
        lake_assets(
            [minute_coverage.COVERAGE],
            lambda work: [minutes.gold_coverage(work)],
            {minute_coverage.COVERAGE: ["silver.bars_minute", minute_coverage.UNANSWERED]},
            by_session,
            whole_range=True,
            checks=[
                dg.AssetCheckSpec(
                    minute_coverage.CHECK,
                    asset=asset_key(minute_coverage.COVERAGE),
                    description="Of the companies watched in a session: an error below 98 %, a warning below all.",
                )
            ],
        ),
        lake_asset("silver.listings", listings.settle_listings, deps=["bronze.files"]),
        lake_asset("gold.listings", listings.gold_listings, deps=["silver.listings"]),
        lake_asset("gold.bars_minute", minutes.gold_minutes, deps=["silver.bars_minute"]),
    ]
