select * from {{ source('gold', 'visits_total_second') }}
