-- Days of filers with a ticker: of the others no price is known.
select
    visits.*,
    filers.symbol,
    filers.name,
    filers.sector
from {{ ref('stg_visits_day') }} as visits
inner join {{ ref('stg_filers') }} as filers on filers.cik = visits.cik
