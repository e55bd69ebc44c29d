"""Full-text search: one operator and four functions, on the one column that holds words, with literals alone.

What a search costs is bounded by its literal and by the index; a configuration or a text from a column could be anything.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from chat_api.guard.reading import Refused

# The column that can be searched: of this mart alone, whatever else is called so.
MART, COLUMN = "news", "search"
QUERIES = frozenset({"websearch_to_tsquery", "plainto_tsquery", "to_tsquery"})
RANK = "ts_rank"
_CONFIGURATIONS = frozenset({"english", "simple"})
_HOW = f"@@ stands between {MART}.{COLUMN} and one of {', '.join(sorted(QUERIES))}"


def is_search(node: exp.Expr) -> bool:
    """Whether a function without a node of its own is one of search."""
    return isinstance(node, exp.Anonymous) and _name(node) in {RANK, *QUERIES}


def _name(node: exp.Expr) -> str:
    # A quoted name is another function, and one with a schema has another node around it.
    return str(node.this).lower() if isinstance(node.this, str) else ""


def check_function(node: exp.Expr) -> None:
    """A query is made of literals and stands where it is searched by; a rank is of the column by a query.

    Raises:
        Refused: saying what may stand there.
    """
    given = node.expressions
    if _name(node) == RANK:
        if len(given) != 2 or not (_is_column(given[0]) and _is_query(given[1])):
            raise Refused(f"{RANK} takes {MART}.{COLUMN} and one of {', '.join(sorted(QUERIES))}")
        return
    texts = [part for part in given if isinstance(part, exp.Literal) and part.is_string]
    if len(texts) != len(given) or len(given) not in {1, 2}:
        raise Refused(f"{_name(node)} takes a text, and before it 'english' or 'simple'")
    if len(given) == 2 and texts[0].name not in _CONFIGURATIONS:
        raise Refused(f"words are read as 'english' or 'simple', not as {texts[0].name[:60]!r}")
    if not isinstance(node.parent, exp.MatchAgainst) and not is_search(node.parent or node):
        raise Refused(_HOW)


def check_match(node: exp.Expr) -> None:
    """`@@` has the column on one side and a query on the other.

    Raises:
        Refused: saying so.
    """
    sides = [node.this, *node.expressions]
    if len(sides) != 2 or not any(_is_column(a) and _is_query(b) for a, b in (sides, sides[::-1])):
        raise Refused(_HOW)


def _is_column(node: exp.Expr) -> bool:
    return isinstance(node, exp.Column) and node.name.lower() == COLUMN


def _is_query(node: exp.Expr) -> bool:
    return is_search(node) and _name(node) != RANK


def check_columns(qualified: exp.Expr) -> None:
    """The column searched is the mart's own, not another of that name.

    Args:
        qualified: the tree, in which every column names its table.

    Raises:
        Refused: naming the table that it is taken from instead.
    """
    for scope in traverse_scope(qualified):
        for node in scope.find_all(exp.MatchAgainst, exp.Anonymous):
            for column in (part for part in (node.this, *node.expressions) if isinstance(part, exp.Column)):
                source = scope.sources.get(column.table)
                if not (isinstance(source, exp.Table) and source.name == MART and column.name == COLUMN):
                    raise Refused(f"only {MART}.{COLUMN} itself can be searched, not {column.table}.{column.name}")
