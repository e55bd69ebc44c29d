select * from {{ ref('stg_visitors_day') }} where {{ in_slices('visitors_day') }}
