"""Quarantine: rows that broke a contract, with the reason. One such table beside every silver table."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import utc


class Quarantined(dy.Schema):
    """A row that was not let through: what it said, and which rules it broke."""

    slice = dy.String(nullable=False, metadata={"meaning": "the slice whose load refused it; replaced with it"})
    rules = dy.String(nullable=False, metadata={"meaning": "the rules it broke, comma separated"})
    row = dy.String(nullable=False, metadata={"meaning": "the row as JSON, or the raw text"})
    observed_at = utc(nullable=False, metadata={"meaning": "when it was received", "unit": "UTC"})
    run_id = dy.String(alias="_run_id", nullable=False, metadata={"meaning": "the run that received it"})
    payload_sha256 = dy.String(
        alias="_payload_sha256", nullable=True, metadata={"meaning": "SHA-256 of the raw body it was read from"}
    )
