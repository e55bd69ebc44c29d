select
    quotes.*,
    companies.name,
    companies.sector,
    companies.industry
from {{ ref('stg_quotes') }} as quotes
left join {{ ref('stg_current_companies') }} as companies on companies.symbol = quotes.symbol
