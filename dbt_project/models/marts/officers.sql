select
    officers.*,
    companies.name as company,
    officers.session = max(officers.session) over (partition by officers.symbol) as is_current
from {{ ref('stg_officers') }} as officers
left join {{ ref('stg_current_companies') }} as companies on companies.symbol = officers.symbol
