"""The check itself: the order in which a text is read, compared with the allow-lists, resolved, bounded, rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from chat_api.guard import allowed, search
from chat_api.guard.catalog import Catalog
from chat_api.guard.names import check_joins, resolve_columns, resolve_tables
from chat_api.guard.reading import Refused, check_literal, read

MAX_JOINS = 12
MAX_SETS = 8
MAX_SELECTS = 40
MAX_WILDCARDS = 6
MAX_SEARCHES = 8
_QUERIES = (exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery)


@dataclass(frozen=True)
class GuardedSql:
    """A query that may run.

    Attributes:
        sql: the text rendered from the tree; ends in a LIMIT of at most `limit` + 1.
        tables: the marts it reads, sorted, without schema.
        limit: rows to show; one row more says that there are more.
    """

    sql: str
    tables: tuple[str, ...]
    limit: int


def check(sql: str, catalog: Catalog, limit: int = 1_000) -> GuardedSql:
    """Let a query through, rendered anew, or refuse it.

    Args:
        sql: one SELECT (or UNION, INTERSECT, EXCEPT of them) over the marts, in PostgreSQL's dialect.
        catalog: the tables and columns there are.
        limit: how many rows may be shown; at least 1.

    Raises:
        Refused: with the reason, in a sentence.
    """
    tree = read(sql)
    if not isinstance(tree, _QUERIES):
        raise Refused("only SELECT is run: nothing here can be changed")
    for node in tree.walk():
        _check_node(node)
    _bound_counts(tree)
    try:
        tree = normalize_identifiers(tree, dialect="postgres")
        tables = resolve_tables(tree, catalog)
        qualified = resolve_columns(tree, catalog)
        if any(isinstance(node, exp.TableColumn) for node in qualified.walk()):
            raise Refused("a whole row stands where a column belongs")
        check_joins(qualified)
        search.check_columns(qualified)
        if any(isinstance(node, exp.Select) and node.is_star for node in tree.walk()):
            tree = qualified
        _bound_rows(tree, limit)
        return GuardedSql(_render(tree), tables, limit)
    except RecursionError:
        raise Refused("the query is nested too deep") from None


def _check_node(node: exp.Expr) -> None:
    kind = type(node)
    if kind not in allowed.NODES or (kind is exp.Anonymous and not search.is_search(node)):
        raise Refused(_what(node))
    parts = allowed.PARTS.get(kind)
    if parts is not None:
        extra = sorted(name for name, value in node.args.items() if value and name not in parts)
        if extra:
            raise Refused(f"{node.key.upper()} with {', '.join(name.strip('_') for name in extra)} is not run")
    if rule := _RULES.get(kind):
        rule(node)


def _what(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return f"the function {str(node.this)[:60]!r} is not among those that may be used"
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name()[:60].lower()!r} is not among those that may be used"
    return f"{node.key.upper()[:60]} is not among what may be used in a query"


def _check_identifier(node: exp.Expr) -> None:
    if len(node.name) > 63 or not node.name or not node.name.isprintable():
        raise Refused("a name is empty, too long or not printable")


def _check_type(node: exp.Expr) -> None:
    if node.this not in allowed.TYPES or node.args.get("nested"):
        raise Refused(f"the type {node.sql('postgres')[:60]!r} is not among those that may be used")


def _check_word(node: exp.Expr) -> None:
    if isinstance(node.parent, exp.Limit):
        return
    if node.name.upper() not in allowed.WORDS:
        raise Refused(f"the word {node.name[:60]!r} stands where none may")


def _check_star(node: exp.Expr) -> None:
    parent = node.parent
    if isinstance(parent, exp.Column):
        parent = parent.parent
        if not isinstance(parent, exp.Select):
            raise Refused("a whole row stands where a column belongs")
    if not isinstance(parent, (exp.Select, exp.Count)):
        raise Refused("a star stands where a column belongs")


def _check_like(node: exp.Expr) -> None:
    pattern = node.expression
    if not isinstance(pattern, exp.Literal) or pattern.name.count("%") > MAX_WILDCARDS:
        raise Refused(f"the pattern of LIKE is a text with at most {MAX_WILDCARDS} wildcards")


def _check_join(node: exp.Expr) -> None:
    if node.text("side").upper() not in allowed.JOIN_SIDES or node.text("kind").upper() not in allowed.JOIN_KINDS:
        raise Refused(f"{node.text('kind').upper() or 'this'} join is not run: a join needs an equality")
    if not (node.args.get("on") or node.args.get("using")):
        raise Refused("a join needs an equality between columns of both sides")


def _check_offset(node: exp.Expr) -> None:
    _whole_number(node.expression)


def _whole_number(node: Any) -> int:
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdecimal() and len(node.name) <= 9:
        return int(node.name)
    raise Refused("LIMIT and OFFSET are whole numbers")


_RULES: dict[type[exp.Expr], Callable[[exp.Expr], None]] = {
    exp.Identifier: _check_identifier,
    exp.DataType: _check_type,
    exp.Var: _check_word,
    exp.Star: _check_star,
    exp.Like: _check_like,
    exp.ILike: _check_like,
    exp.Join: _check_join,
    exp.Anonymous: search.check_function,
    exp.MatchAgainst: search.check_match,
    exp.Offset: _check_offset,
    exp.Literal: check_literal,
}


def _bound_counts(tree: exp.Expr) -> None:
    for kinds, most, what in (
        ((exp.Join,), MAX_JOINS, "joins"),
        ((exp.Union, exp.Intersect, exp.Except), MAX_SETS, "set operations"),
        ((exp.Select,), MAX_SELECTS, "parts"),
        ((exp.MatchAgainst, exp.Anonymous), 2 * MAX_SEARCHES, "searches"),
    ):
        if sum(1 for _ in tree.find_all(*kinds)) > most:
            raise Refused(f"the query has more than {most} {what}")


def _bound_rows(tree: exp.Expr, limit: int) -> None:
    """Limits become whole numbers, the outermost at most `limit` + 1."""
    for inner in tree.find_all(exp.Limit):
        if isinstance(inner.expression, (exp.Var, exp.Null)):
            inner.pop()
        else:
            _whole_number(inner.expression)
    own = tree.args.get("limit")
    bound = min(limit + 1, _whole_number(own.expression)) if own else limit + 1
    tree.set("limit", exp.Limit(expression=exp.Literal.number(bound)))


def _render(tree: exp.Expr) -> str:
    """The tree as text; it must read back as the same tree, or the text does not say what was checked."""
    text = str(tree.sql(dialect="postgres", identify=True, comments=False))
    try:
        again = sqlglot.parse(text, read="postgres")
    except SqlglotError:
        raise Refused("the query cannot be written unambiguously") from None
    if len(again) != 1 or again[0] is None or again[0].sql(dialect="postgres", identify=True, comments=False) != text:
        raise Refused("the query cannot be written unambiguously")
    return text
