select * from {{ source('gold', 'visitors_minute') }}
