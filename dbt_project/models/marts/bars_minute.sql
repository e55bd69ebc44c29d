select
    bars.*,
    companies.name
from {{ ref('stg_bars_minute') }} as bars
left join {{ ref('stg_current_companies') }} as companies on companies.symbol = bars.symbol
