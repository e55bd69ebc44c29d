select * from {{ ref('stg_visitors_minute') }} where {{ in_slices('visitors_minute') }}
