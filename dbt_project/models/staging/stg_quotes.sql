select * from {{ source('gold', 'quotes') }}
