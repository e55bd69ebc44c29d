"""Ground floor: settings, clock, calendar, table contracts, Delta and PostgreSQL access.

Everything above meets here and in tables. Nothing in this package imports another floor.
"""
