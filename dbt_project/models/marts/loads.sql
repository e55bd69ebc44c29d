select * from {{ ref('stg_loads') }}
