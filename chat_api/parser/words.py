"""The words of questions that are no metric, name or time: what each phrase does in a sentence.

One table, phrase → (kind, value). A phrase has one role; longer phrases win over shorter ones.
"""

from __future__ import annotations

from typing import NamedTuple

from chat_api.vocabulary import CONCEPTS, SECTOR_WORDS, TAG_WORDS


class Role(NamedTuple):
    """What a phrase does: the kind of its item and the item's value."""

    kind: str
    value: object


# Words that carry no meaning of their own here.
FILL = (
    """
a|an|the|please|pls|plz|show|show me|give|give me|tell|tell me|list|display|find|get|get me|i want|i want to see|i would like to see|id like to see|let me see|i need
what|whats|what is|what are|what was|what were|what did|what do|what does|which|who|whos|whose|is|are|was|were|be|been|being|do|does|did|has|have|had|having
of|for|in|on|at|to|with|that|there|their|its|this|from|into|inside|within|across|among|amongst|as|each|where|by how much|how much|how much did|how|how did|how has|how have|how is|how are
can you|could you|would you show|would you show me|can you show|can you tell me|could you tell me|can i see|could you show me|so|then|ok|okay|hi|hello|hey|thanks|thank you
here|were there|are there|is there|there are|you have|do you have|have you got|do we have|did it|them|whichever|sitting|lie|lies|stand|stands|sits|sit|come|came|comes|coming in|seen|see
in the data|in the database|with a|with an|of a|value|values|figure|figures|number|level|levels|data|points|amount|per cent value|respectively|both|also|just|me|you|we|us companies
us dollars|dollars|usd|in dollars|in usd|in us dollars|dollar|u.s. dollars|currently trading|stand at|as at|registered|recorded|report|reported|reports|looks|look|look like|going|go|went
one|ones|get out|put|set of|set|together|out|name|names of|name of|pick out|run from|based|headquartered|located|hq|filer
price level|has the|have the|with the|made|make|makes|get me the|gave|give us|got|get the|pull|pulled|pull up|fetch|return me|print|output|need|want|looking for|search for|search|query
gotten|hit|reach|reached|touch|touched|total of|a total of|out there|available|please list|list all|list the|show all|show the|any|some|of them|over the course of|model|models|models forecast|in their|by the
pay|pays|paying|paid out|had a|with their|with its|that have|which have|that has|who has|who have|whose|that are|that were|which are|which were|who is|who are|work|works|at|employed by|people at|this is|say|says|does the
dates|date|times|time|belong|belongs|belong to|belongs to|headquarters|trading|trade|trades|about|around|how often|how often were|how often was|how often did|take|takes|if not|and if not|ratio|the ratio|list them|land|lands|landed|gets|sees|carry|carries|carrying|bear|that day|on that day|same day|the same day|show us|let us see|the one|numbers|stats|statistics|details|info|information|overview|table of|in a table|as a table|details of
collected|collect|cover|covered|tracked|track|universe|in the universe|you cover|you track|covered by you|in your data|your data|you|your|database|datasets|dataset|the system|in the system|system|in the lake|lake
""".replace("\n", "|")
    .strip("|")
    .split("|")
)

FOLLOW = {
    "and": "and", "what about": "about", "how about": "about", "and what about": "about", "same for": "same", "the same for": "same", "same with": "same", "do the same for": "same",
    "now for": "about", "now": "now", "instead": "instead", "only": "only", "only the": "only", "just the": "only", "just those": "only", "only those": "only", "just": "only", "leave out": "without", "drop the ones": "drop", "drop those": "drop", "remove": "without",
    "next to it": "add", "beside it": "add", "put": "put", "add": "add", "also": "add", "next to them": "add", "sort by": "sort", "sort them by": "sort", "order by": "sort", "order them by": "sort", "sorted by": "sort", "ordered by": "sort", "rank them by": "sort", "sort it by": "sort", "sort": "sort",
    "it": "pronoun", "they": "pronoun", "those": "pronoun", "these": "pronoun", "the other one": "other", "other one": "other", "the other": "other", "the others": "other", "the rest": "other",
    "the day after": "day+1", "the day before": "day-1", "a day later": "day+1", "a day earlier": "day-1", "a week later": "day+7", "a week earlier": "day-7", "a week before": "day-7", "the week after": "day+7", "the next day": "day+1", "one day later": "day+1", "one week later": "day+7", "a month later": "month+1", "a month earlier": "month-1", "the session after": "session+1", "the session before": "session-1", "the following day": "day+1", "the previous day": "day-1",
    "divide by": "divide", "divided by": "divide", "make that": "make", "make it": "make", "turn that into": "make", "turn it into": "make", "as": "as", "could you make that": "make", "i.e": "ie", "ie": "ie", "per employee": "per_employee", "per head": "per_employee", "for both": "pronoun",
}  # fmt: skip

COMPARATORS = {
    ">": ("above", "over", "more than", "greater than", "higher than", "exceeding", "exceeds", "exceed", "bigger than", "larger than", ">", "upwards of", "beyond", "exceeded", "better than", "in excess of", "stronger than", "north of", "surpassing"),
    ">=": ("at least", ">=", "≥", "no less than", "not less than", "minimum of", "a minimum of", "not below", "or more than"),
    "<": ("below", "under", "less than", "fewer than", "lower than", "smaller than", "<", "beneath", "worse than", "short of", "cheaper than", "weaker than", "south of"),
    "<=": ("at most", "<=", "≤", "no more than", "not more than", "maximum of", "a maximum of", "not above", "up to", "within"),
    "=": ("equal to", "exactly", "equals", "="),
}  # fmt: skip
AFTER_NUMBER = {
    ">=": (
        "or more",
        "or above",
        "or higher",
        "or better",
        "and up",
        "and more",
        "or over",
        "plus",
        "and above",
        "upwards",
    ),
    "<=": ("or less", "or below", "or fewer", "or lower", "and below", "or under"),
}

UP = (
    "up",
    "rose",
    "rise",
    "risen",
    "rising",
    "gained",
    "gain",
    "gaining",
    "gains",
    "climbed",
    "climb",
    "climbing",
    "advanced",
    "increased",
    "higher",
    "jumped",
    "went up",
    "gone up",
    "in the green",
    "in green",
    "in the plus",
    "positive on the day",
    "on the up",
    "up on the day",
    "closed higher",
    "ended higher",
    "finished higher",
    "closed up",
    "ended up",
    "surged",
    "rallied",
    "grew",
    "added",
    "trading higher",
    "winning",
    "ahead on the day",
)
DOWN = (
    "down",
    "fell",
    "fall",
    "fallen",
    "falling",
    "lost",
    "lose",
    "losing",
    "dropped",
    "drop",
    "dropping",
    "declined",
    "lower",
    "decreased",
    "sank",
    "slid",
    "slipped",
    "went down",
    "gone down",
    "in the red",
    "in red",
    "in the minus",
    "negative on the day",
    "down on the day",
    "closed lower",
    "ended lower",
    "finished lower",
    "closed down",
    "ended down",
    "plunged",
    "tumbled",
    "shrank",
    "trading lower",
    "a falling price",
)
CHANGE = (
    "change",
    "changed",
    "change in",
    "move",
    "moved",
    "moves",
    "changes",
    "changes in",
    "difference",
    "differ",
    "swing",
    "gain or loss",
    "up or down",
    "drop or rise",
    "rise or fall",
    "rise or drop",
    "grow",
    "increase",
    "increase in",
    "decrease",
    "delta",
    "gone up or down",
    "went up or down",
    "go up or down",
    "movement",
    "growth",
    "growth in",
    "change of",
    "developed since",
    "moved by",
    "more or less",
)

HIGH = (
    "highest",
    "most",
    "largest",
    "greatest",
    "maximum",
    "max",
    "top",
    "the most",
    "high to low",
    "highest first",
    "largest first",
    "descending",
    "desc",
    "highest on top",
    "biggest first",
    "from high to low",
    "most first",
    "busiest",
    "strongest",
    "deepest",
    "steepest",
    "fattest",
    "heaviest",
    "hugest",
    "peak",
    "longest",
    "best first",
    "top first",
    "higher first",
    "furthest",
    "farthest",
    "highest to lowest",
    "largest to smallest",
    "the highest",
    "dearest",
    "priciest",
    "richest",
    "widest",
)
LOW = (
    "lowest",
    "least",
    "fewest",
    "minimum",
    "min",
    "bottom",
    "the least",
    "low to high",
    "lowest first",
    "smallest first",
    "ascending",
    "asc",
    "from low to high",
    "fewest first",
    "weakest",
    "shallowest",
    "thinnest",
    "lightest",
    "nearest",
    "closest",
    "lowest to highest",
    "smallest to largest",
    "the lowest",
    "narrowest",
    "poorest",
    "lowest priced",
    "lowest on top",
    "the least amount of",
    "cheapest first",
)
BIG = ("biggest", "bigger", "big", "large", "huge", "size", "larger", "greater")
SMALL = ("smallest", "smaller", "small", "tiny")
BEST = (
    "best",
    "better",
    "top performing",
    "best performing",
    "top performer",
    "best performer",
    "best performers",
    "top performers",
)
WORST = ("worst", "worse", "worst performing", "worst performer", "worst performers", "bottom performers")
GAINERS = ("gainers", "gainer", "winners", "winner", "advancing most", "risers", "riser")
LOSERS = ("losers", "loser", "fallers", "faller", "laggards", "decliners list")

AGGREGATES = {
    "average": ("average", "avg", "mean", "on average", "averaged", "averages", "average of", "an average of"),
    "median": ("median", "medians", "median of"),
    "sum": (
        "total",
        "sum",
        "sum of",
        "in total",
        "added up",
        "combined",
        "altogether",
        "overall sum",
        "totals",
        "summed",
        "all together",
        "aggregate",
        "added together",
        "cumulative",
        "total number of",
    ),
    "count": (
        "how many",
        "number of",
        "count",
        "count of",
        "no of",
        "cnt of",
        "cnt",
        "nr of",
        "the number of",
        "how many of",
        "counts",
        "num of",
        "total count",
        "quantity of",
    ),
}
NOUNS = {
    "one": (
        "company",
        "stock",
        "firm",
        "business",
        "share",
        "organisation",
        "organization",
        "corporation",
        "enterprise",
        "equity",
        "issuer",
    ),
    "many": (
        "companies",
        "companies you cover",
        "companies covered",
        "companies do you cover",
        "companies you track",
        "companies are there",
        "companies do we have",
        "companies in the universe",
        "stocks are there",
        "stocks do you cover",
        "stocks",
        "firms",
        "shares",
        "names",
        "tickers",
        "filers",
        "businesses",
        "organisations",
        "organizations",
        "corporations",
        "equities",
        "issuers",
        "constituents",
        "members",
        "players",
        "groups",
        "enterprises",
    ),
}
NOUN_OTHER = {
    "sector": (
        "sector",
        "sectors",
        "all sectors",
        "every sector",
        "each sector",
        "the sectors",
        "all 11 sectors",
        "sector names",
        "11 sectors",
    ),
    "tag": ("hashtag", "hashtags", "tag", "tags", "all tags", "index", "indices"),
    "session": ("sessions", "days", "trading days", "day", "trading day", "session"),
    "hour": ("hours", "hour"),
    "minute": ("minutes", "minute"),
    "second": ("seconds", "second"),
    "tick": ("ticks", "tick", "all ticks"),
    "week": ("week", "weeks"),
    "month": ("month", "months"),
}
DIMENSIONS = {
    "sector": ("sector", "sectors"),
    "industry": ("industry", "industries"),
    "country": ("country", "countries"),
    "city": ("city", "cities"),
    "exchange": ("exchange", "exchanges", "stock exchange"),
    "tag": ("tag", "hashtag", "tags"),
    "role": ("role", "model"),
    "symbol": ("company", "stock", "symbol", "ticker"),
    "table": ("table", "tables"),
    "publisher": ("publisher", "publishers"),
    "source": ("source",),
}
BY = (
    "by",
    "per",
    "for each",
    "of each",
    "in each",
    "each",
    "for every",
    "in every",
    "of every",
    "split by",
    "grouped by",
    "broken down by",
    "split between",
    "between",
    "across",
    "group by",
    "within each",
    "for all",
    "of all",
    "split across",
    "by each",
    "among the",
    "split into",
    "separately by",
    "for the different",
)
BUCKETS = {
    "day": (
        "daily",
        "per day",
        "day by day",
        "each day",
        "by day",
        "every day",
        "by date",
        "for each day",
        "a day",
        "per session",
        "each session",
        "session by session",
        "by session",
        "every session",
        "on each day",
        "day to day",
    ),
    "week": ("weekly", "per week", "week by week", "each week", "by week", "every week", "a week"),
    "month": ("monthly", "per month", "month by month", "each month", "by month", "every month", "a month"),
    "hour": ("hourly", "per hour", "hour by hour", "by hour", "by the hour", "every hour", "each hour", "an hour"),
    "tick": (
        "every tick",
        "at every tick",
        "tick by tick",
        "per tick",
        "each tick",
        "at each tick",
        "through the day",
        "throughout the day",
        "over the day",
        "all ticks of",
        "during the day",
        "across the day",
        "by tick",
        "over the session",
        "through the session",
        "ticks of",
    ),
    "minute": ("minute by minute", "per minute", "by minute", "every minute", "each minute", "by the minute"),
    "auto": (
        "over time",
        "history of",
        "history",
        "historical",
        "developed",
        "development",
        "evolution",
        "evolved",
        "time series",
        "timeline",
        "course of",
        "how has developed",
        "series",
        "series of",
    ),
}
CHART = (
    "chart",
    "plot",
    "graph",
    "line chart",
    "bar chart",
    "as a chart",
    "draw",
    "in a chart",
    "curve",
    "as a graph",
    "as a line chart",
    "line graph",
    "as chart",
    "a chart of",
    "as a plot",
    "graph of",
    "chart of",
    "visualise",
    "visualize",
    "charted",
    "with a chart",
    "as a bar chart",
    "plotted",
    "a chart",
)
RANK = (
    "rank",
    "ranked",
    "ranks",
    "ranking",
    "place",
    "position",
    "standing",
    "number one",
    "which place",
    "what place",
    "how high up",
    "rank of",
    "the rank",
    "where does rank",
    "which rank",
    "which number",
    "what number",
    "placed",
    "what rank",
    "spot",
    "which position",
    "positioned",
    "how high",
    "take place",
)
SHARE = (
    "share of",
    "percentage of",
    "what percentage",
    "what percent",
    "what share",
    "proportion",
    "proportion of",
    "fraction",
    "slice",
    "slice of",
    "part of",
    "portion of",
    "as a % of",
    "as a percentage of",
    "% of",
    "percent of",
    "what part of",
    "what fraction",
    "what proportion",
    "what % of",
    "what part",
    "in percent of",
    "how much of",
    "percentages",
    "what percentage of",
    "what share of",
    "what fraction of",
    "what proportion of",
    "share out of",
    "as a share of",
    "as % of",
    "weight of",
    "weight in",
    "percentage share",
    "the share of",
)
COMPARE = (
    "compare",
    "compared",
    "versus",
    "vs",
    "v",
    "against",
    "side by side", "further", "farther", "on one side",
    "next to each other",
    "next to",
    "beside",
    "comparison",
    "compared with",
    "compared to",
    "comparing",
    "or",
    "vs.",
    "comparison of",
    "alongside",
    "relative to",
    "stack up against",
    "than",
    "or does",
    "or is",
    "head to head",
    "put next to each other",
)
APART = (
    "how far apart",
    "apart",
    "difference between",
    "difference in",
    "the difference between",
    "differ by",
    "gap between",
    "the gap between",
    "minus",
    "what is the difference between",
    "spread between",
    "differ",
    "whats the difference between",
    "by how much",
    "how much more",
    "how much higher",
    "less",
)
NOT = (
    "not",
    "excluding",
    "except",
    "except for",
    "without",
    "leave out",
    "outside of",
    "outside",
    "other than",
    "apart from",
    "no",
    "non",
    "aside from",
    "besides",
    "but not",
    "exclude",
    "minus the",
    "not in",
    "leaving out",
    "with no",
    "that have no",
    "have no",
    "arent",
    "isnt",
    "never",
    "outside the",
    "rather than",
    "ex",
    "barring",
    "have not",
    "not any",
    "instead of",
    "lacking",
    "lack",
)
OWN_SECTOR = (
    "its sector",
    "their sector",
    "own sector",
    "its own sector",
    "the sector",
    "within its sector",
    "in its sector",
    "among its sector",
    "its industry peers",
    "sector peers",
    "its peers",
    "peers",
    "its sector peers",
)
EVERYTHING = (
    "overall",
    "all companies",
    "all stocks",
    "all",
    "of all companies",
    "of all stocks",
    "among all companies",
    "whole universe",
    "entire universe",
    "everything",
    "across all companies",
    "whole market",
    "the market",
    "every company",
    "all of them",
    "across the universe",
    "entire market",
    "in total market",
    "market wide",
    "across the market",
    "every stock",
    "across all stocks",
    "all the companies",
    "altogether all",
)
ROLES = {
    "champion": ("champion", "champions", "champion model", "the champion model"),
    "challenger": ("challenger", "challengers", "challenger model", "the challenger model"),
}
TIMES_OF = ("x", "times", "fold")
WORD_CONDITIONS = {
    "positive": ("positive", "above zero", "over zero", "greater than zero", "more than zero", "> 0"),
    "negative": ("negative", "below zero", "under zero", "less than zero", "< 0"),
    "paid": ("paid", "paid a", "who paid", "that paid", "which paid", "pay a", "pays a", "paying a", "distributed"),
    "had": ("had", "had a", "underwent", "carried out"),
    "known": ("with a known", "known", "with an"),
    "by_volume": ("most active", "most traded", "most heavily traded", "heavily traded", "most actively traded"),
    "up_to_now": (
        "since the open",
        "since open",
        "since the opening",
        "since todays open",
        "from the open",
        "from open",
        "since the opening bell",
        "since this mornings open",
        "against the open",
        "from its open",
        "since the market opened",
        "since the bell",
        "since its open",
        "vs the open",
        "from the opening price",
        "compared with the open",
        "since it opened",
    ),
    "on_day": (
        "since the previous close",
        "since previous close",
        "since yesterdays close",
        "from the previous close",
        "since the prior close",
        "on the day",
        "against the previous close",
        "since the last close",
        "vs the previous close",
        "from previous close",
        "vs previous close",
        "versus the previous close",
        "compared with the previous close",
    ),
}


def _table() -> dict[tuple[str, ...], Role]:
    table: dict[tuple[str, ...], Role] = {}

    def add(kind: str, value: object, phrases: tuple[str, ...] | list[str]) -> None:
        for phrase in phrases:
            table[tuple(phrase.split())] = Role(kind, value)

    add("fill", None, FILL)
    add("filings", None, ("filings", "filing", "sec filings", "company filings", "edgar", "sec", "edgar filings", "sec filing"))
    add("when", None, ("when",))
    add("usual", None, ("usual", "the usual", "normal", "the norm", "the usual number", "its usual", "their usual", "as usual", "usual number", "the normal", "normal level"))
    add("sup_price", False, ("lowest priced", "lowest price"))
    add("sup_price", True, ("highest priced", "highest price"))
    add("perform", None, ("performance", "perform", "performed", "performing", "doing", "fare", "fared", "faring", "performs", "do so far", "done", "done so far"))
    for phrase, value in FOLLOW.items():
        add("follow", value, (phrase,))
    for names, kind in ((NOUNS, "noun"), (NOUN_OTHER, "unit")):
        for name, phrases in names.items():
            add(kind, name, phrases)
    for name, phrases in CONCEPTS.items():
        add("concept", name, phrases)
    for name, phrases in SECTOR_WORDS.items():
        add("sector", name, phrases)
        add("sector", name, tuple(f"{phrase} sector" for phrase in phrases))
    for name, phrases in TAG_WORDS.items():
        add("tag", name, phrases)
    for operator, phrases in COMPARATORS.items():
        add("cmp", operator, phrases)
    for operator, phrases in AFTER_NUMBER.items():
        add("cmp_after", operator, phrases)
    for kind, value, phrases in _SINGLES:
        add(kind, value, phrases)
    for statistic, phrases in AGGREGATES.items():
        add("agg", statistic, phrases)
    for dimension, words in DIMENSIONS.items():
        add("by", dimension, tuple(f"{by} {word}" for by in BY for word in words))
    for bucket, phrases in BUCKETS.items():
        add("bucket", bucket, phrases)
    for role, phrases in ROLES.items():
        add("role", role, phrases)
    for name, phrases in WORD_CONDITIONS.items():
        add("word", name, phrases)
    return table


_SINGLES: tuple[tuple[str, object, tuple[str, ...]], ...] = (
    ("move", 1, UP), ("move", -1, DOWN), ("change", None, CHANGE), ("sup", True, HIGH), ("sup", False, LOW), ("vague_sup", True, BIG), ("vague_sup", False, SMALL),
    ("good", True, BEST), ("good", False, WORST), ("movers", True, GAINERS), ("movers", False, LOSERS), ("chart", None, CHART), ("rank", None, RANK), ("share", None, SHARE), ("every", None, ("on each of", "in each of", "each of", "every one of", "on every one of", "on all of", "in all of", "for each of")),
    ("compare", None, COMPARE), ("apart", None, APART), ("not", None, NOT), ("own_sector", None, OWN_SECTOR), ("everything", None, EVERYTHING), ("between", None, ("between", "in between", "ranging from")),
    ("and", None, ("and", "&", "plus also", "as well as", "but", "while", "and also")), ("or", None, ("or", "or else", "either", "and/or")), ("by_metric", None, ("by", "ranked by", "measured by", "in terms of", "based on", "according to", "going by")), ("percent", None, ("%", "percent", "per cent", "pct", "percentage", "in percent", "in per cent", "in %", "in percentage terms", "percentage points")),
    ("times", None, TIMES_OF), ("half_of", 0.5, ("half", "half of")), ("double", 2.0, ("twice", "double", "two times", "2x")), ("double", 3.0, ("triple", "three times", "treble", "3x")),
)  # fmt: skip

PHRASES: dict[tuple[str, ...], Role] = _table()
LONGEST = max(len(phrase) for phrase in PHRASES)
LANGUAGE: frozenset[str] = frozenset(word for phrase in PHRASES for word in phrase)
