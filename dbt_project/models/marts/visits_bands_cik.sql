select * from {{ ref('stg_visits_bands_cik') }} where {{ in_slices('visits_bands_cik') }}
