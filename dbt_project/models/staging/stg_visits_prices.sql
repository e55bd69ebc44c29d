-- Days of filers of whose ticker there are bars: of the others no price is known.
select
    visits.*,
    filers.symbol,
    filers.name,
    filers.sector
from {{ ref('stg_visits_day') }} as visits
inner join {{ ref('stg_filers') }} as filers
    on filers.cik = visits.cik and visits.log_date >= filers.valid_from and visits.log_date < filers.valid_to
where filers.symbol in (select symbol from {{ ref('stg_bars_daily') }})
