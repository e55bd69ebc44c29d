"""Posts on the Indian market and the signal they give by hour."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from lake.contracts.base import Provenance, Table, utc


class Post(Provenance):
    """A post that carries at least one of the tags collected."""

    post_id = dy.String(primary_key=True, metadata={"meaning": "the source's id"})
    created_at = utc(nullable=False, metadata={"unit": "UTC", "meaning": "when it was posted"})
    day = dy.Date(nullable=False, metadata={"meaning": "India's date of created_at; locates the partition"})
    author_key = dy.String(nullable=False, metadata={"meaning": "hash of the author's id; the id itself is not kept"})
    text = dy.String(nullable=False, metadata={"meaning": "what was written: data, never markup"})
    language = dy.String(nullable=True, metadata={"meaning": "language as the source states it"})
    tags = dy.List(dy.String(), nullable=False, metadata={"meaning": "hashtags, lower case, without #"})
    likes = dy.Int64(nullable=False, min=0, metadata={"unit": "likes"})
    reposts = dy.Int64(nullable=False, min=0, metadata={"unit": "reposts"})
    replies = dy.Int64(nullable=False, min=0, metadata={"unit": "replies"})
    is_repost = dy.Bool(nullable=False, metadata={"meaning": "whether it repeats another post"})

    @dy.rule()
    def has_a_tag(cls) -> pl.Expr:
        """Posts are collected by tag."""
        return pl.col("tags").list.len() > 0


class ScoredPost(Post):
    """A post with its sentiment and engagement."""

    sentiment = dy.Float64(
        nullable=False, min=-1, max=1, metadata={"unit": "score −1 to 1", "meaning": "keyword sentiment"}
    )
    engagement = dy.Float64(
        nullable=False, min=0, metadata={"unit": "points", "meaning": "likes + 2 × reposts + 1.5 × replies"}
    )
    composite = dy.Float64(
        nullable=False, min=-1, max=1, metadata={"unit": "score −1 to 1", "meaning": "the post's composite signal"}
    )


class SignalHourly(Provenance):
    """A tag's signal in an hour, from its posts."""

    tag = dy.String(primary_key=True, metadata={"meaning": "hashtag, lower case, without #"})
    hour = utc(
        primary_key=True, metadata={"unit": "UTC", "meaning": "start of the hour; hours begin at India's full hours"}
    )
    day = dy.Date(nullable=False, metadata={"meaning": "India's date of the hour"})
    posts = dy.Int64(nullable=False, min=1, metadata={"unit": "posts", "meaning": "posts with the tag"})
    authors = dy.Int64(nullable=False, min=1, metadata={"unit": "users", "meaning": "distinct authors"})
    engagement = dy.Float64(nullable=False, min=0, metadata={"unit": "points", "meaning": "sum of engagement"})
    sentiment = dy.Float64(
        nullable=False, min=-1, max=1, metadata={"unit": "score −1 to 1", "meaning": "mean sentiment"}
    )
    composite = dy.Float64(
        nullable=False, min=-1, max=1, metadata={"unit": "score −1 to 1", "meaning": "mean composite signal"}
    )
    composite_low = dy.Float64(
        nullable=True,
        metadata={"unit": "score −1 to 1", "meaning": "lower end of the mean's 95 % interval; empty under 2 authors"},
    )
    composite_high = dy.Float64(
        nullable=True,
        metadata={"unit": "score −1 to 1", "meaning": "upper end of the mean's 95 % interval; empty under 2 authors"},
    )


SIGNALS = (
    Table("posts", "silver", Post, "signals", "x_search", partition_by=("day",)),
    Table("posts", "gold", ScoredPost, "signals", "silver.posts", partition_by=("day",)),
    Table("signals_hourly", "gold", SignalHourly, "signals", "gold.posts", partition_by=("day",)),
)
