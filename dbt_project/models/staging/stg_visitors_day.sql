select * from {{ source('gold', 'visitors_day') }}
