"""Officers: who leads a company, in which role, and what they were paid."""

from __future__ import annotations

import dataframely as dy

from lake.contracts.base import SYMBOL, Provenance, Table


class Officer(Provenance):
    """An officer of a company as its profile of a session lists them."""

    session = dy.Date(primary_key=True, metadata={"meaning": "trading day whose profile it was"})
    symbol = dy.String(primary_key=True, regex=SYMBOL, metadata={"meaning": "ticker at the exchange"})
    place = dy.Int32(primary_key=True, min=1, metadata={"meaning": "place in the source's list, 1 the first"})
    name = dy.String(nullable=False, metadata={"meaning": "name of the officer"})
    title = dy.String(nullable=True, metadata={"meaning": "role or roles"})
    age = dy.Int32(nullable=True, min=0, max=130, metadata={"unit": "years", "meaning": "age as the source gives it"})
    total_pay = dy.Float64(
        nullable=True, min=0, metadata={"unit": "pay_currency", "meaning": "total pay of the fiscal year"}
    )
    pay_currency = dy.String(nullable=True, metadata={"meaning": "currency of the company's reports, ISO 4217"})
    fiscal_year = dy.Int32(nullable=True, min=1900, max=2200, metadata={"meaning": "fiscal year of the pay"})


class OfficerMart(Officer):
    """An officer of a company, with the company's name; `is_current` marks the company's newest list."""

    company = dy.String(nullable=True, metadata={"meaning": "company name"})
    is_current = dy.Bool(nullable=False, metadata={"meaning": "whether the company's newest list has it"})


OFFICER_TABLES = (
    Table("officers", "silver", Officer, "market", "yahoo_summary", partition_by=("session",)),
    Table("officers", "gold", Officer, "market", "silver.officers", partition_by=("session",), hot_days=30),
    Table("officers", "mart", OfficerMart, "market", "gold.officers, gold.companies", engine="dbt"),
)
