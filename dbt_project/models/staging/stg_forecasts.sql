select * from {{ source('gold', 'forecasts') }}
