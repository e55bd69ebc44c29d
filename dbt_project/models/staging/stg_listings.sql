select * from {{ source('gold', 'listings') }}
