select * from {{ source('gold', 'visits_day') }}
