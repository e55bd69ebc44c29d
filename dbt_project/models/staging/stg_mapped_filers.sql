select * from {{ source('gold', 'filers') }}
