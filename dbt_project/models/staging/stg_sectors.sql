select * from {{ source('gold', 'sectors') }}
