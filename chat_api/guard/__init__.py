"""The SQL guard: what may reach the database, whoever wrote it (the compiler, a model, a person).

`check` reads the text into a tree, lets through only what the allow-lists name, resolves every table and column
against the contracts of the marts, bounds the size of question and answer, and gives back text rendered anew from the
tree. The text as it came in never runs. The read-only role stands behind it (`lake.postgres`): both are needed.
"""

from __future__ import annotations

from chat_api.guard.catalog import Catalog, marts_catalog
from chat_api.guard.check import GuardedSql, check
from chat_api.guard.reading import Refused

__all__ = ["Catalog", "GuardedSql", "Refused", "check", "marts_catalog"]
