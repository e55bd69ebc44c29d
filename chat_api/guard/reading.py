"""From text to one tree: bounds on length and nesting, comments, kinds of text that may be read in two ways."""

from __future__ import annotations

import re

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError

MAX_CHARACTERS = 20_000
MAX_TOKENS = 4_000
MAX_NESTING = 24
MAX_LITERAL = 500
MAX_DEPTH = 120

# What starts and ends a comment or a text: inside a comment, two readers may disagree on where it ends.
_AMBIGUOUS = re.compile(r"--|/\*|\*/|['\";$\\]")
_CONTROL = re.compile(
    r"[^\t\n\r\x20-\x7e\x80-\U0010ffff]|[\x80-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
# Kinds of text beside '…' and "…": escapes, dollar quotes, bits, national; each could hide what it says.
_ODD_TEXTS = frozenset(
    {
        TokenType.BIT_STRING,
        TokenType.BYTE_STRING,
        TokenType.HEX_STRING,
        TokenType.HEREDOC_STRING,
        TokenType.NATIONAL_STRING,
        TokenType.RAW_STRING,
        TokenType.UNICODE_STRING,
    }
)
_NUMBER = re.compile(r"\d{0,30}(\.\d{0,30})?([eE][+-]?\d{1,3})?")


class Refused(ValueError):
    """The guard does not run this; the text says why, in a sentence for the person who asked."""


def read(sql: str) -> exp.Expr:
    """The one statement of a text, as a tree.

    Raises:
        Refused: when it is too long or nested too deep, is not exactly one statement, or cannot be read.
    """
    _bound_text(sql)
    try:
        _bound_tokens(sqlglot.tokenize(sql, read="postgres"))
        statements = sqlglot.parse(sql, read="postgres")
        if len(statements) != 1 or statements[0] is None:
            raise Refused("exactly one SELECT is run at a time")
        tree: exp.Expr = statements[0]
        _bound_depth(tree)
    except RecursionError:
        raise Refused("the query is nested too deep") from None
    except SqlglotError as error:
        raise Refused(f"this is not SQL that can be read: {_first_line(error)}") from None
    return tree


def _first_line(error: Exception) -> str:
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return line[:200]


def _bound_text(sql: str) -> None:
    if len(sql) > MAX_CHARACTERS:
        raise Refused(f"the query is longer than {MAX_CHARACTERS:,} characters")
    if _CONTROL.search(sql):
        raise Refused("the query holds control characters")


def _bound_tokens(tokens: list[Token]) -> None:
    if len(tokens) > MAX_TOKENS:
        raise Refused(f"the query has more than {MAX_TOKENS:,} words")
    depth = 0
    for token in tokens:
        if any(_AMBIGUOUS.search(comment) for comment in token.comments):
            raise Refused("a comment holds quotes or the marks of another comment")
        if token.token_type in _ODD_TEXTS:
            raise Refused("texts are written in plain single quotes")
        depth += {TokenType.L_PAREN: 1, TokenType.CASE: 1, TokenType.R_PAREN: -1, TokenType.END: -1}.get(
            token.token_type, 0
        )
        if depth > MAX_NESTING:
            raise Refused(f"the query is nested more than {MAX_NESTING} deep")


def _bound_depth(tree: exp.Expr) -> None:
    """Bound the tree's height, which chains without parentheses (NOT NOT …) raise too."""
    level: list[exp.Expr] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.iter_expressions()]
        if not level:
            return
    raise Refused("the query is nested too deep")


def check_literal(literal: exp.Expr) -> None:
    """Bound a literal's length; a number is digits, point and exponent."""
    text = str(literal.this)
    if literal.args.get("is_string"):
        if len(text) > MAX_LITERAL:
            raise Refused(f"a text is longer than {MAX_LITERAL} characters")
    elif not _NUMBER.fullmatch(text):
        raise Refused("a number is too long or written in an unknown form")
