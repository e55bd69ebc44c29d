-- One row a symbol: its newest description, also where its company has gone on under another symbol.
select distinct on (symbol)
    symbol,
    name,
    sector,
    industry,
    cik,
    is_current,
    observed_at,
    _run_id,
    _payload_sha256
from {{ ref('stg_companies') }}
order by symbol, valid_from desc
