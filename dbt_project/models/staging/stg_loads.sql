select * from {{ source('gold', 'loads') }}
