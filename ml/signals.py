"""Posts' scores, and a tag's signal by hour.

The thin signal: words from a list, weighed with attention. What it is worth is a question for tests of its lead over
the index, not for this module.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from lake.clock import INDIA
from lake.contracts.signals import ScoredPost, SignalHourly
from ml.sentiment import WORDS, load_words, read

REACH = 1000.0
CONFIDENCE = 0.95


def score_posts(posts: pl.DataFrame, words: Path = WORDS) -> pl.DataFrame:
    """Score posts.

    - sentiment: (P − N) / (P + N + 1) over all listed words, P and N the sums of positive and negative scores.
    - engagement: likes + 2 × reposts + 1.5 × replies.
    - composite: 0.5 × stance + 0.3 × sentiment + 0.2 × sentiment × attention, where stance is the same balance over
      the words that say what to do (buy, breakout, becho …) and attention = min(1, ln(1 + engagement) / ln(1001)).
      Attention has no direction of its own: a neutral post stays neutral however many like it.

    Args:
        posts: rows of contract silver.posts.
        words: the list of words.

    Returns:
        Contract gold.posts, sorted by key.

    Raises:
        WordsError: where the list is wrong.
    """
    listed = load_words(words)
    read_posts = [read(text, listed) for text in posts["text"]]
    stance, sentiment = pl.col("_stance"), pl.col("sentiment")
    attention = (pl.col("engagement").log1p() / math.log1p(REACH)).clip(0, 1)
    rows = posts.with_columns(
        pl.Series("_stance", [one for one, _ in read_posts], dtype=pl.Float64),
        pl.Series("sentiment", [both for _, both in read_posts], dtype=pl.Float64),
        (pl.col("likes") + 2.0 * pl.col("reposts") + 1.5 * pl.col("replies")).alias("engagement"),
    ).with_columns((0.5 * stance + 0.3 * sentiment + 0.2 * sentiment * attention).alias("composite"))
    return ScoredPost.cast(rows.select(ScoredPost.column_names())).sort(ScoredPost.primary_key())


def _quantile_of_t(authors: pl.Series) -> pl.Series:
    """Two-sided 95 % quantile of Student's t with authors − 1 degrees of freedom."""
    from scipy.stats import t

    counts = authors.unique().to_list()
    quantiles = {n: float(t.ppf(0.5 + CONFIDENCE / 2, n - 1)) if n > 1 else math.nan for n in counts}
    return authors.replace_strict(quantiles, return_dtype=pl.Float64)


def _intervals(posts: pl.DataFrame) -> pl.DataFrame:
    """The 95 % interval of the mean composite by tag and hour, clustered by author.

    One author's posts are not independent. With m the mean over n posts and d_a the sum of an author's deviations
    from it, the squared standard error is A / (A − 1) × Σ d_a² / n² over A authors, and the interval is
    m ± t(A − 1) × standard error, kept within −1 to 1. Empty under 2 authors, and where all posts score the same:
    there is then no spread to judge by.
    """
    key = ["tag", "hour"]
    deviation = (pl.col("composite") - pl.col("composite").mean().over(key)).alias("_deviation")
    # In a fixed order, so that the same posts give the same sums to the last bit.
    by_author = posts.with_columns(deviation).group_by(*key, "author_key").agg(pl.col("_deviation").sum())
    by_author = by_author.sort(*key, "author_key")
    spread = by_author.group_by(key).agg(
        pl.len().alias("_authors"), (pl.col("_deviation") ** 2).sum().alias("_squares")
    )
    means = posts.group_by(key).agg(pl.len().alias("_posts"), pl.col("composite").mean().alias("_mean"))
    rows = spread.join(means, on=key)
    rows = rows.with_columns(_quantile_of_t(rows["_authors"]).alias("_t"))
    authors = pl.col("_authors")
    error = (authors / (authors - 1) * pl.col("_squares")).sqrt() / pl.col("_posts")
    reach = pl.when((authors > 1) & (pl.col("_squares") > 1e-18)).then(pl.col("_t") * error)
    return rows.select(
        *key,
        (pl.col("_mean") - reach).clip(-1, 1).alias("composite_low"),
        (pl.col("_mean") + reach).clip(-1, 1).alias("composite_high"),
    )


def signals_hourly(scored: pl.DataFrame, tags: Sequence[str] | None = None) -> pl.DataFrame:
    """A tag's signal in each hour, from its posts; reposts count as posts.

    Hours begin at India's full hours, which are half past in UTC.

    Args:
        scored: rows of contract gold.posts.
        tags: lower case, without #; all that occur by default.

    Returns:
        Contract gold.signals_hourly, sorted by key.
    """
    india = pl.col("created_at").dt.convert_time_zone(INDIA.key).dt.truncate("1h")
    posts = scored.with_columns(
        india.dt.convert_time_zone("UTC").alias("hour"),
        india.dt.date().alias("day"),
        pl.col("tags").list.unique().alias("tag"),
    ).explode("tag")
    if tags is not None:
        posts = posts.filter(pl.col("tag").is_in(list(tags)))
    newest = pl.struct("observed_at", "_run_id").sort().last()
    only = pl.col("_payload_sha256")
    rows = posts.group_by("tag", "hour", "day").agg(
        pl.len().alias("posts"),
        pl.col("author_key").n_unique().alias("authors"),
        pl.col("engagement").sum(),
        pl.col("sentiment").mean(),
        pl.col("composite").mean(),
        newest.struct.field("observed_at").alias("observed_at"),
        newest.struct.field("_run_id").alias("_run_id"),
        pl.when(only.n_unique() == 1).then(only.first()).alias("_payload_sha256"),
    )
    rows = rows.join(_intervals(posts), on=["tag", "hour"], how="left")
    return SignalHourly.cast(rows.select(SignalHourly.column_names())).sort(SignalHourly.primary_key())
