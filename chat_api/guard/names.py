"""Names resolved: tables against the catalog and the query's own WITH, columns against tables, joins to both sides."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from chat_api.guard.catalog import SCHEMA, Catalog
from chat_api.guard.reading import Refused


def resolve_tables(tree: exp.Expr, catalog: Catalog) -> tuple[str, ...]:
    """Name every real table with the schema, in place; the names of the marts read, sorted.

    Raises:
        Refused: for a table that is not a mart, a name from elsewhere, or a name that hides a mart.
    """
    for named in tree.find_all(exp.CTE, exp.TableAlias):
        name = named.alias if isinstance(named, exp.CTE) else named.name
        if name in catalog.tables and isinstance(named, exp.CTE):
            raise Refused(f"{name!r} is the name of a mart: call the WITH query otherwise")
        if name.startswith("pg_") or name == "information_schema":
            raise Refused("names that begin with pg_ belong to the system")
    real: dict[int, exp.Expr] = {}
    inner: set[int] = set()
    for scope in traverse_scope(tree):
        for reference, (node, source) in scope.selected_sources.items():
            if isinstance(source, exp.Table):
                real[id(source)] = source
            elif isinstance(node, exp.Table):
                inner.add(id(node))
                if node.args.get("db"):
                    raise Refused(f"there is no table {node.args['db'].name}.{reference}")
    for table in tree.find_all(exp.Table):
        if id(table) in inner:
            continue
        if id(table) not in real:
            raise Refused(f"the table {table.name!r} stands where none may")
        _place(table, catalog)
    return tuple(sorted({table.name for table in real.values()}))


def _place(table: exp.Expr, catalog: Catalog) -> None:
    schema = table.args.get("db")
    if not isinstance(table.this, exp.Identifier):
        raise Refused("functions that give tables are not run")
    if schema is not None and schema.name != SCHEMA:
        raise Refused(f"only the schema {SCHEMA} can be read, not {schema.name!r}")
    if table.name not in catalog.tables:
        raise Refused(f"there is no mart {table.name!r}; there are {', '.join(sorted(catalog.tables))}")
    table.set("db", exp.to_identifier(SCHEMA))


def resolve_columns(tree: exp.Expr, catalog: Catalog) -> exp.Expr:
    """A copy of the tree in which every column names its table and stars are written out.

    Raises:
        Refused: for a column that no table of its scope has, or that several have.
    """
    try:
        return qualify(
            tree.copy(),
            schema=catalog.mapping(),
            dialect="postgres",
            expand_alias_refs=False,
            quote_identifiers=False,
            validate_qualify_columns=True,
        )
    except SqlglotError as error:
        raise Refused(f"a column cannot be told: {str(error).splitlines()[0][:200]}") from None


def check_joins(qualified: exp.Expr) -> None:
    """Every join has an equality between columns of both its sides, beside whatever else it asks.

    Raises:
        Refused: naming the join that has none.
    """
    for scope in traverse_scope(qualified):
        if isinstance(scope.expression, exp.Select):
            _check_select(scope)


def _check_select(scope: Scope) -> None:
    select = scope.expression
    start = select.args.get("from_")
    before = {start.this.alias_or_name} if start else set()
    for join in select.args.get("joins") or ():
        name = join.this.alias_or_name
        condition = join.args.get("on")
        parts = condition.flatten() if isinstance(condition, exp.And) else (condition,)
        if not any(_links(part.unnest(), before, name) for part in parts if part is not None):
            raise Refused(f"the join with {name!r} needs an equality between columns of both sides")
        before.add(name)


def _links(part: exp.Expr, before: set[str], name: str) -> bool:
    if not isinstance(part, exp.EQ):
        return False
    left, right = ({column.table for column in side.find_all(exp.Column)} for side in (part.this, part.expression))
    return bool(left and right) and ((left <= before and right == {name}) or (right <= before and left == {name}))
