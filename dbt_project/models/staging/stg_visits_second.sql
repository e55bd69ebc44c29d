select * from {{ source('gold', 'visits_second') }}
