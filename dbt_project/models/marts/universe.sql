select * from {{ ref('stg_universe') }} where {{ in_slices('universe') }}
