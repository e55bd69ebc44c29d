-- One row a filer: its first ticker in the alphabet, where it has several share classes.
select distinct on (cik)
    cik,
    symbol,
    name,
    sector
from {{ ref('stg_current_companies') }}
where cik is not null
order by cik, symbol collate "C"
