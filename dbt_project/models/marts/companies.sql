with latest as (
    select distinct on (symbol)
        symbol,
        market_cap
    from {{ ref('stg_quotes') }}
    order by symbol, tick desc
)

select
    companies.*,
    case when companies.is_current then latest.market_cap end as market_cap
from {{ ref('stg_companies') }} as companies
left join latest on latest.symbol = companies.symbol
