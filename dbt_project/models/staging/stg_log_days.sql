select * from {{ source('gold', 'log_days') }}
