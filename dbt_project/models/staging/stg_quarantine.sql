select * from {{ source('gold', 'quarantine') }}
