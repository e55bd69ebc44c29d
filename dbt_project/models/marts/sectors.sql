select * from {{ ref('stg_sectors') }} where {{ in_slices('sectors') }}
