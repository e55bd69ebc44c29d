-- One row a symbol: the description in force.
select
    symbol,
    name,
    sector,
    industry,
    cik
from {{ ref('stg_companies') }}
where is_current
