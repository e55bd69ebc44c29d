select
    visits.*,
    filers.symbol,
    filers.name,
    filers.sector
from (select * from {{ ref('stg_visits_day') }} where {{ in_slices('visits_day') }}) as visits
left join {{ ref('stg_filers') }} as filers
    on filers.cik = visits.cik and visits.log_date >= filers.valid_from and visits.log_date < filers.valid_to
