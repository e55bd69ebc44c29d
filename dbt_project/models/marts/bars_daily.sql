select
    bars.*,
    companies.name,
    companies.sector,
    companies.industry,
    {% for sessions in [20, 50, 200] -%}
    {{ moving_average('bars.close', 'bars.symbol', 'bars.session', sessions) }} as ma_{{ sessions }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref('stg_bars_daily') }} as bars
left join {{ ref('stg_current_companies') }} as companies on companies.symbol = bars.symbol
