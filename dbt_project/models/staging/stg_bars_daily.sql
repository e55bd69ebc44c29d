select * from {{ source('gold', 'bars_daily') }}
