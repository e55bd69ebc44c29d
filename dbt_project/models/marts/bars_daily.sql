-- The averages are taken over the three columns they need: whole bars would be sorted at eight times the size.
with running as (
    select
        symbol,
        session,
        sum(close::numeric) over by_session as closes,
        row_number() over by_session as sessions
    from {{ ref('stg_bars_daily') }}
    window by_session as (partition by symbol order by session)
),

averages as (
    select
        symbol,
        session
        {%- for count in [20, 50, 200] %},
        {{ moving_average('closes', 'sessions', count, 'partition by symbol order by session') }} as ma_{{ count }}
        {%- endfor %}
    from running
)

select
    bars.*,
    companies.name,
    companies.sector,
    companies.industry,
    averages.ma_20,
    averages.ma_50,
    averages.ma_200
from {{ ref('stg_bars_daily') }} as bars
inner join averages on averages.symbol = bars.symbol and averages.session = bars.session
left join {{ ref('stg_current_companies') }} as companies on companies.symbol = bars.symbol
