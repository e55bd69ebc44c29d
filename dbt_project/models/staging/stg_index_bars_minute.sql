select * from {{ source('gold', 'index_bars_minute') }}
