"""dbt: staging and marts in PostgreSQL, their contracts and tests, and how they are built."""
