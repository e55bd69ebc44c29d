select
    bars.*,
    companies.name
from (select * from {{ ref('stg_bars_minute') }} where {{ in_slices('bars_minute') }}) as bars
left join {{ ref('stg_current_companies') }} as companies on companies.symbol = bars.symbol
