-- The latest quote of each company is looked up by the staging table's index: its history is never read.
select
    companies.*,
    case when companies.is_current then latest.market_cap end as market_cap
from {{ ref('stg_companies') }} as companies
left join lateral (
    select quotes.market_cap
    from {{ ref('stg_quotes') }} as quotes
    where quotes.symbol = companies.symbol
    order by quotes.tick desc
    limit 1
) as latest on true
