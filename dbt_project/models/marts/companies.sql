-- The latest quote of each company is looked up by the staging table's index: its history is never read.
with listed as (
    select
        *,
        max(session) over (partition by symbol) as newest
    from {{ ref('stg_officers') }}
),

officers as (
    select
        symbol,
        string_agg(name || coalesce(' (' || title || ')', ''), '; ' order by place) as officers,
        (array_agg(name order by place) filter (where title ~* '\mCEO\M|chief executive officer'))[1] as ceo,
        (array_agg(name order by place) filter (where title ~* '\mCFO\M|chief financial officer'))[1] as cfo
    from listed
    where session = newest
    group by symbol
)

select
    companies.*,
    case when companies.is_current then latest.market_cap end as market_cap,
    case when companies.is_current then officers.officers end as officers,
    case when companies.is_current then officers.ceo end as ceo,
    case when companies.is_current then officers.cfo end as cfo
from {{ ref('stg_companies') }} as companies
left join lateral (
    select quotes.market_cap
    from {{ ref('stg_quotes') }} as quotes
    where quotes.symbol = companies.symbol
    order by quotes.tick desc
    limit 1
) as latest on true
left join officers on officers.symbol = companies.symbol
