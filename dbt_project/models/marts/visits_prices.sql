select
    visits.*,
    bars.close,
    bars.return_pct,
    bars.volume_shares,
    case
        when bars.symbol is not null then 'bar'
        when not visits.is_session then 'no_session'
        else 'no_bar'
    end as price
from {{ ref('stg_visits_prices') }} as visits
left join {{ ref('stg_bars_daily') }} as bars on bars.symbol = visits.symbol and bars.session = visits.log_date
