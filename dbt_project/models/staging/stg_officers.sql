select * from {{ source('gold', 'officers') }}
