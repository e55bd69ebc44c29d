select * from {{ ref('stg_index_bars_minute') }}
