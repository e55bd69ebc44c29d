-- One row a filer: its first ticker in the alphabet, where it has several share classes; none that it has given up.
select distinct on (cik)
    cik,
    symbol,
    name,
    sector
from {{ ref('stg_current_companies') }}
where cik is not null and is_current
order by cik, symbol collate "C"
