"""What became of silver's bars on their way to gold, as facts, checks and a quarantine beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from lake.contracts.base import conform
from lake.contracts.quarantine import Quarantined
from lake.delta import EVERYTHING
from orchestration.work import Finding

if TYPE_CHECKING:
    from scrapers.gold_choice import Choice

BASIS_CHECK, AGREE_CHECK, SEAM_CHECK = "basis_as_declared", "origins_agree", "origins_join"
_NAMED = 20


@dataclass
class Chosen:
    """Choices over parts of the companies, added up."""

    taken: int = 0
    superseded: int = 0
    refused: list[pl.DataFrame] = field(default_factory=list)
    seams: list[tuple[str, date, float]] = field(default_factory=list)

    def add(self, choice: Choice) -> None:
        """Another part."""
        self.taken += choice.rows.height
        self.superseded += choice.superseded
        self.seams += choice.seams.rows()
        if choice.refused.height:
            self.refused.append(choice.refused)

    def _counts(self) -> pl.DataFrame:
        if not self.refused:
            return pl.DataFrame(schema={"rules": pl.String, "symbol": pl.String, "origin": pl.String, "len": pl.UInt32})
        return pl.concat(self.refused).group_by("rules", "symbol", "origin").len().sort("rules", "symbol", "origin")

    def facts(self) -> dict[str, int | float | str]:
        """Rows taken, superseded and refused by rule; together they are silver's."""
        by_rule = self._counts().group_by("rules").agg(pl.col("len").sum()).sort("rules")
        return {
            "taken": self.taken,
            "superseded": self.superseded,
            **{f"refused_{rule}": int(count) for rule, count in by_rule.iter_rows()},
        }

    def findings(self) -> tuple[Finding, ...]:
        """Whether files are adjusted as they say, agree where they overlap, and join where they do not."""
        from scrapers.gold_choice import JUMP, NO_JUMP

        counts = self._counts()
        lying = pl.col("rules").is_in([JUMP, NO_JUMP])
        told = []
        for check, mine in (
            (BASIS_CHECK, counts.filter(lying)),
            (AGREE_CHECK, counts.filter(~lying)),
        ):
            named = [f"{rule}: {symbol} of {origin[:12]} ({rows})" for rule, symbol, origin, rows in mine.iter_rows()]
            facts: dict[str, int | float | str] = {"rows": int(mine["len"].sum()), "of": "; ".join(named[:_NAMED])}
            told.append(Finding(check, passed=mine.is_empty(), bearable=check == AGREE_CHECK, facts=facts))
        jumps = [f"{symbol} on {day} by {ratio:.3g}" for symbol, day, ratio in self.seams]
        facts = {"rows": len(jumps), "of": "; ".join(jumps[:_NAMED])}
        told.append(Finding(SEAM_CHECK, not jumps, bearable=True, facts=facts))
        return tuple(told)

    def quarantined(self) -> pl.DataFrame:
        """The refused bars as rows of the quarantine beside gold."""
        if not self.refused:
            return Quarantined.create_empty()
        rows = pl.concat(self.refused)
        shown = [name for name in rows.columns if name not in {"rules", "observed_at", "_run_id", "_payload_sha256"}]
        texts = [json.dumps(row, default=str) for row in rows.select(shown).iter_rows(named=True)]
        told = rows.with_columns(pl.Series("row", texts, dtype=pl.String), pl.lit(EVERYTHING.label).alias("slice"))
        return conform(Quarantined, told)
