select * from {{ source('gold', 'coverage') }}
