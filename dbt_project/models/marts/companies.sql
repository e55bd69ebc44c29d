with latest as (
    select distinct on (symbol)
        symbol,
        market_cap
    from {{ ref('stg_quotes') }}
    order by symbol, tick desc
)
,

listed as (
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
left join latest on latest.symbol = companies.symbol
left join officers on officers.symbol = companies.symbol
