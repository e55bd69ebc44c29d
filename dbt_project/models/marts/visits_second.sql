select
    visits.*,
    filers.symbol
from (select * from {{ ref('stg_visits_second') }} where {{ in_slices('visits_second') }}) as visits
left join {{ ref('stg_filers') }} as filers
    on filers.cik = visits.cik and visits.log_date >= filers.valid_from and visits.log_date < filers.valid_to
