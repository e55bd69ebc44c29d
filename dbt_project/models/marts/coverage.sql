select * from {{ ref('stg_coverage') }} where {{ in_slices('coverage') }}
