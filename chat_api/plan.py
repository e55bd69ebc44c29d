"""The typed query plan: what a question was understood to ask, before any SQL.

The reader of plain language (and any model that stands in for it) makes a `Plan`; one compiler turns it into SQL,
one template into a sentence. Plans are frozen, compare by value and go to and from JSON. This module holds types
only: no vocabulary, no SQL, no I/O.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal[
    "lookup",
    "top_n",
    "filter",
    "compare",
    "aggregate",
    "share",
    "rank",
    "change",
    "series",
    "calendar",
    "cross_subject",
    "data",
    "history",
    "meaning",
]
Entity = Literal[
    "company",
    "index",
    "sector",
    "tag",
    "role",
    "table",
    "tick",
    "session",
    "second",
    "minute",
    "coverage",
    "member",
    "version",
    "headline",
    "all",
]
Over = Literal[
    "value",
    "sum",
    "average",
    "median",
    "max",
    "min",
    "count",
    "change",
    "change_pct",
    "return",
    "volatility",
    "drawdown",
]
Statistic = Literal["count", "sum", "average", "median", "max", "min"]
Bucket = Literal["tick", "minute", "second", "hour", "session", "day", "week", "month"]
Op = Literal["=", "!=", "<", "<=", ">", ">="]


class Frozen(BaseModel):
    """Base of every plan node: immutable, hashable, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- time -----------------------------------------------------------------------------------------------------------


class Latest(Frozen):
    """The newest that is loaded: the latest tick, session, day or forecast, as the subject counts time."""

    type: Literal["latest"] = "latest"


class Instant(Frozen):
    """One instant: a tick, the start of a minute or of an hour. UTC."""

    type: Literal["instant"] = "instant"
    at: datetime


class Day(Frozen):
    """One day: a session for market data, India's date for signals, the logged date for attention."""

    type: Literal["day"] = "day"
    day: date


class Days(Frozen):
    """Days from `start` to `end`, both included; `base` is the last session before them where a change needs it."""

    type: Literal["days"] = "days"
    start: date
    end: date
    base: date | None = None


class Instants(Frozen):
    """Instants from `start` up to, not including, `end`. UTC."""

    type: Literal["instants"] = "instants"
    start: datetime
    end: datetime


Time = Annotated[Latest | Instant | Day | Days | Instants, Field(discriminator="type")]


# --- measures and conditions ----------------------------------------------------------------------------------------


class Measure(Frozen):
    """One number (or date, or word) for each entity.

    Attributes:
        metric: a name of the vocabulary, such as `quote.price` or `bar.close`.
        time: when it is read.
        over: how several rows of that time become one for each entity.
        base: for a change: the earlier time (the later one is `time`).
        base_metric: for a change from another metric, as from an open to a price.
        role: for forecasts: whose.
    """

    type: Literal["measure"] = "measure"
    metric: str
    time: Time = Latest()
    over: Over = "value"
    base: Time | None = None
    base_metric: str | None = None
    role: str | None = None


class Ratio(Frozen):
    """One measure divided by another."""

    type: Literal["ratio"] = "ratio"
    over: Measure
    under: Measure


Value = Annotated[Measure | Ratio, Field(discriminator="type")]


class Compare(Frozen):
    """A measure against a number, or against another measure times a factor."""

    type: Literal["compare"] = "compare"
    left: Measure
    op: Op
    number: float | None = None
    right: Measure | None = None
    factor: float = 1.0


class Known(Frozen):
    """A measure that is known (or, negated, absent)."""

    type: Literal["known"] = "known"
    left: Measure
    known: bool = True


class Among(Frozen):
    """A word of a dimension that is (or, negated, is not) one of some words."""

    type: Literal["among"] = "among"
    dimension: str
    values: tuple[str, ...]
    negated: bool = False


class Largest(Frozen):
    """The N entities with the highest (or lowest) of a measure."""

    type: Literal["largest"] = "largest"
    measure: Measure
    limit: int
    descending: bool = True


class AllOf(Frozen):
    """Every part holds."""

    type: Literal["all"] = "all"
    parts: tuple[Condition, ...]


class AnyOf(Frozen):
    """At least one part holds."""

    type: Literal["any"] = "any"
    parts: tuple[Condition, ...]


class Not(Frozen):
    """The part does not hold; an absent value is neither."""

    type: Literal["not"] = "not"
    part: Condition


Condition = Annotated[Compare | Known | Among | Largest | AllOf | AnyOf | Not, Field(discriminator="type")]


# --- the plan -------------------------------------------------------------------------------------------------------


class Fold(Frozen):
    """Entities folded into one number, or one for each group: their count, sum, average, median, highest, lowest."""

    statistic: Statistic
    by: tuple[str, ...] = ()


class Share(Frozen):
    """A part of a whole, in percent: of the measure's sum, or of the count where there is no measure.

    The part is what `part` selects; the whole is what the plan's `where` selects. Without `part` there is a share for
    each group of `by`.
    """

    part: Condition | None = None
    by: str | None = None


class Rank(Frozen):
    """The place of some entities among those of the plan's `where`, by its first measure; ties are equal."""

    of: tuple[str, ...]
    descending: bool = True


class Headlines(Frozen):
    """Stories of the news, or how many there are.

    Attributes:
        search: words that headline or summary hold; text of the question as it is, and never more than a literal.
        time: when they were published; None for all that is loaded.
        counted: whether their number is asked for rather than they themselves.
        by: what they are counted by: symbol, sector, industry or publisher.
        until: the day up to which news has been collected.
    """

    search: str | None = None
    time: Instants | None = None
    counted: bool = False
    by: str | None = None
    until: date | None = None


class Order(Frozen):
    """Sort by the n-th value (from 0), or by the series' own time where it is None."""

    value: int | None
    descending: bool = True


class Plan(Frozen):
    """What a question asks.

    Attributes:
        kind: the kind of question, for reports and for the wording of the answer.
        entity: what one row is about, before any folding.
        values: the numbers asked for.
        attributes: descriptive columns asked for (city, website, sector …).
        where: which entities.
        headlines: what of the news, for the entity `headline`.
        fold, share, rank, bucket: what becomes of them; at most one, but a series may fold by group.
        difference: whether the first row less the second is asked for as well.
        order, limit: as asked; the compiler bounds what is not.
        chart: None where nothing was said.
        notes: how a word was read where that is worth saying ("today: the session of 2026-11-20").
    """

    kind: Kind
    entity: Entity
    values: tuple[Value, ...] = ()
    attributes: tuple[str, ...] = ()
    where: Condition | None = None
    fold: Fold | None = None
    share: Share | None = None
    rank: Rank | None = None
    bucket: Bucket | None = None
    headlines: Headlines | None = None
    difference: bool = False
    order: tuple[Order, ...] = ()
    limit: int | None = None
    chart: bool | None = None
    notes: tuple[str, ...] = ()


# --- what else a question can come to -------------------------------------------------------------------------------


class Choice(Frozen):
    """One way to read an ambiguous question.

    Attributes:
        label: what it says on the button.
        ask: the question in full words that has this reading; None where the user has to type.
    """

    label: str
    ask: str | None = None


class Clarification(Frozen):
    """A question back, with choices."""

    type: Literal["clarification"] = "clarification"
    question: str
    choices: tuple[Choice, ...] = ()


RefusalCode = Literal["advice", "not_in_data", "not_loaded", "write", "secret", "system", "not_understood"]


class Refusal(Frozen):
    """Why there is no answer, and what can be asked instead."""

    type: Literal["refusal"] = "refusal"
    code: RefusalCode
    reason: str
    suggestion: str

    @property
    def sentence(self) -> str:
        """Both in one text."""
        return f"{self.reason} {self.suggestion}".strip()


class Definition(Frozen):
    """The meaning of one or more terms: an answer that needs no rows."""

    type: Literal["definition"] = "definition"
    terms: tuple[str, ...]
    text: str


Reading = Plan | Clarification | Refusal | Definition


class ColumnInfo(Frozen):
    """A column of the result.

    Attributes:
        name: the SQL alias.
        label: what people call it.
        unit: percent, USD, shares …; None for words, dates and times.
        role: `dimension` for who or when, `value` for what was asked, `extra` for what stands beside it.
        zone: the time zone that a time is meant to be shown in.
    """

    name: str
    label: str
    unit: str | None = None
    role: Literal["dimension", "value", "extra"] = "value"
    zone: str | None = None


class Compiled(Frozen):
    """A plan as SQL: one SELECT over the marts, literals rendered in, bounded by a LIMIT."""

    sql: str
    columns: tuple[ColumnInfo, ...]
    as_of: str
    marts: tuple[str, ...]
