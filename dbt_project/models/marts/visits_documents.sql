select
    visits.*,
    filers.symbol,
    filers.name,
    filings.form,
    filings.filed_on
from (select * from {{ ref('stg_visits_documents') }} where {{ in_slices('visits_documents') }}) as visits
left join {{ ref('stg_filers') }} as filers
    on filers.cik = visits.cik and visits.log_date >= filers.valid_from and visits.log_date < filers.valid_to
left join {{ ref('stg_filings') }} as filings on filings.accession = visits.accession
