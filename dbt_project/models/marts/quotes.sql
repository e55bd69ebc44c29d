select
    quotes.*,
    companies.name,
    companies.sector,
    companies.industry
from (select * from {{ ref('stg_quotes') }} where {{ in_slices('quotes') }}) as quotes
left join {{ ref('stg_current_companies') }} as companies on companies.symbol = quotes.symbol
