select
    visits.*,
    filers.symbol,
    filers.name,
    filers.sector
from {{ ref('stg_visits_day') }} as visits
left join {{ ref('stg_filers') }} as filers on filers.cik = visits.cik
