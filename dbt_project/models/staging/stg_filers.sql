-- A filer's ticker and name on the days from valid_from to before valid_to, none of which is without a row: SEC's
-- mapping of the time, else its newest; for filers that no mapping has, the companies' own descriptions.
with companies as (
    -- The first ticker in the alphabet, where a filer has several share classes; none that it has given up.
    select distinct on (cik)
        cik,
        symbol,
        name,
        sector,
        observed_at,
        _run_id,
        _payload_sha256
    from {{ ref('stg_current_companies') }}
    where cik is not null and is_current
    order by cik, symbol collate "C"
)
select
    coalesce(mapped.cik, companies.cik) as cik,
    coalesce(mapped.valid_from, date '1993-01-01') as valid_from,
    coalesce(mapped.valid_to, 'infinity'::date) as valid_to,
    coalesce(mapped.symbol, companies.symbol) as symbol,
    case when mapped.symbol <> companies.symbol then mapped.name else coalesce(companies.name, mapped.name) end as name,
    companies.sector,
    coalesce(mapped.observed_at, companies.observed_at) as observed_at,
    coalesce(mapped._run_id, companies._run_id) as _run_id,
    case when mapped.cik is null then companies._payload_sha256 else mapped._payload_sha256 end as _payload_sha256
from {{ ref('stg_mapped_filers') }} as mapped
full outer join companies on companies.cik = mapped.cik
