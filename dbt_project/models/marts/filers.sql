select
    cik,
    valid_from,
    nullif(valid_to, 'infinity'::date) as valid_to,
    symbol,
    name,
    sector,
    observed_at,
    _run_id,
    _payload_sha256
from {{ ref('stg_filers') }}
