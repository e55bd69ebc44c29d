select * from {{ ref('stg_visits_bands') }} where {{ in_slices('visits_bands') }}
