select
    visits.*,
    filers.symbol,
    filers.name
from (select * from {{ ref('stg_visits_documents') }} where {{ in_slices('visits_documents') }}) as visits
left join {{ ref('stg_filers') }} as filers on filers.cik = visits.cik
