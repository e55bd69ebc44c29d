select * from {{ source('gold', 'universe') }}
