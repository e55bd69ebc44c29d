-- A filer's ticker and name on the days from valid_from to before valid_to, none of which is without a row.
with companies as (
    -- The first ticker in the alphabet, where a filer has several share classes; none that it has given up.
    select distinct on (cik) cik, sector
    from {{ ref('stg_current_companies') }}
    where cik is not null and is_current
    order by cik, symbol collate "C"
)
select
    known.cik,
    known.valid_from,
    coalesce(known.valid_to, 'infinity'::date) as valid_to,
    known.symbol,
    known.name,
    companies.sector,
    known.observed_at,
    known._run_id,
    known._payload_sha256
from {{ ref('stg_mapped_filers') }} as known
left join companies on companies.cik = known.cik
