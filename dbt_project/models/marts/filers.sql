select
    cik,
    valid_from,
    nullif(valid_to, 'infinity'::date) as valid_to,
    symbol,
    name,
    sector
from {{ ref('stg_filers') }}
