select * from {{ ref('stg_visits_total_second') }} where {{ in_slices('visits_total_second') }}
