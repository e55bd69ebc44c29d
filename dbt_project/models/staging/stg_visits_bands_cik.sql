select * from {{ source('gold', 'visits_bands_cik') }}
