"""The allow-lists of the guard: every kind of tree node, function, type and word that may run. All else is refused."""

from __future__ import annotations

from sqlglot import exp

# What a query is built of.
STRUCTURE: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Alias,
        exp.Column,
        exp.CTE,
        exp.Distinct,
        exp.Except,
        exp.From,
        exp.Group,
        exp.Having,
        exp.Identifier,
        exp.Intersect,
        exp.Join,
        exp.Limit,
        exp.Offset,
        exp.Order,
        exp.Ordered,
        exp.Select,
        exp.Star,
        exp.Subquery,
        exp.Table,
        exp.TableAlias,
        exp.Tuple,
        exp.Union,
        exp.Where,
        exp.With,
    }
)

# Values, arithmetic, comparison. No power, no bit operations, no regular expressions, no text concatenation (it
# doubles with every step of a chain).
OPERATORS: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Add,
        exp.And,
        exp.AtTimeZone,
        exp.Between,
        exp.Boolean,
        exp.Case,
        exp.Cast,
        exp.DataType,
        exp.DataTypeParam,
        exp.Div,
        exp.EQ,
        exp.Exists,
        exp.Filter,
        exp.GT,
        exp.GTE,
        exp.If,
        exp.ILike,
        exp.In,
        exp.Interval,
        exp.Is,
        exp.Like,
        exp.Literal,
        exp.LT,
        exp.LTE,
        exp.Mod,
        exp.Mul,
        exp.NEQ,
        exp.Neg,
        exp.Not,
        exp.Null,
        exp.NullSafeEQ,
        exp.NullSafeNEQ,
        exp.Or,
        exp.Paren,
        exp.Sub,
        exp.Var,
        exp.Window,
        exp.WindowSpec,
        exp.WithinGroup,
    }
)

FUNCTIONS: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Abs,
        exp.Avg,
        exp.Ceil,
        exp.Coalesce,
        exp.Corr,
        exp.Count,
        exp.CumeDist,
        exp.DenseRank,
        exp.Exp,
        exp.Extract,
        exp.FirstValue,
        exp.Floor,
        exp.Greatest,
        exp.Lag,
        exp.LastValue,
        exp.Lead,
        exp.Least,
        exp.Left,
        exp.Length,
        exp.Ln,
        exp.LogicalAnd,
        exp.LogicalOr,
        exp.Lower,
        exp.Max,
        exp.Min,
        exp.Mode,
        exp.NthValue,
        exp.Ntile,
        exp.Nullif,
        exp.PercentRank,
        exp.PercentileCont,
        exp.PercentileDisc,
        exp.Rank,
        exp.Right,
        exp.Round,
        exp.RowNumber,
        exp.Sign,
        exp.Sqrt,
        exp.Stddev,
        exp.StddevPop,
        exp.StddevSamp,
        exp.Substring,
        exp.Sum,
        exp.TimestampTrunc,
        exp.Trim,
        exp.Upper,
        exp.Variance,
        exp.VariancePop,
    }
)

# Full-text search; a function that has no node of its own passes only if it is one of `chat_api.guard.search`.
SEARCH: frozenset[type[exp.Expr]] = frozenset({exp.MatchAgainst, exp.Anonymous})

NODES = STRUCTURE | OPERATORS | FUNCTIONS | SEARCH

_T = exp.DataType.Type
TYPES = frozenset(
    {
        _T.BIGINT,
        _T.BOOLEAN,
        _T.DATE,
        _T.DECIMAL,
        _T.DOUBLE,
        _T.FLOAT,
        _T.INT,
        _T.INTERVAL,
        _T.SMALLINT,
        _T.TEXT,
        _T.TIMESTAMP,
        _T.TIMESTAMPTZ,
        _T.VARCHAR,
    }
)

# Bare words: the fields of date_trunc, extract and interval.
WORDS = frozenset(
    unit + plural
    for unit in ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
    for plural in ("", "S")
) | {"DOW", "ISODOW", "DOY", "ISOYEAR", "EPOCH"}

# The parts that a node may have, where sqlglot keeps some of them as plain text rather than as nodes of their own.
PARTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: frozenset(
        {"with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct"}
    ),
    exp.Table: frozenset({"this", "db", "alias", "joins"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.Subquery: frozenset({"this", "alias", "with_", "order", "limit", "offset"}),
    exp.Group: frozenset({"expressions"}),
    exp.Column: frozenset({"this", "table"}),
    exp.Distinct: frozenset({"expressions", "on"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression"}),
    exp.Offset: frozenset({"expression"}),
    exp.Star: frozenset(),
    exp.MatchAgainst: frozenset({"this", "expressions"}),
    exp.Anonymous: frozenset({"this", "expressions"}),
}
_SET = frozenset({"this", "expression", "distinct", "with_", "order", "limit", "offset"})
PARTS |= {exp.Union: _SET, exp.Intersect: _SET, exp.Except: _SET}

JOIN_SIDES = frozenset({"", "LEFT", "RIGHT", "FULL"})
JOIN_KINDS = frozenset({"", "INNER", "OUTER"})
