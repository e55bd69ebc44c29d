select * from {{ source('gold', 'bars_minute') }}
