"""Operations: what the lake says about itself beside its inventory."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import Table, utc


class QuarantineRule(dy.Schema):
    """A rule that refused rows of a table: how many, when, and what a few of them said."""

    table = dy.String(alias="table_name", primary_key=True, metadata={"meaning": "layer and name"})
    rule = dy.String(primary_key=True, metadata={"meaning": "the rule, or several that the same row broke"})
    rows = dy.Int64(nullable=False, min=1, metadata={"unit": "rows", "meaning": "rows in quarantine for it"})
    first_observed_at = utc(
        nullable=False, metadata={"unit": "UTC", "meaning": "when the oldest was received", "provenance": True}
    )
    last_observed_at = utc(
        nullable=False, metadata={"unit": "UTC", "meaning": "when the newest was received", "provenance": True}
    )
    samples = dy.String(
        nullable=False,
        metadata={"meaning": "the three newest rows as they came, cut where long; a JSON array of texts"},
    )
    version = dy.Int64(
        nullable=False, metadata={"meaning": "version of the quarantine that was counted", "provenance": True}
    )


OPERATIONS = (Table("quarantine", "gold", QuarantineRule, "operations", "quarantine"),)
