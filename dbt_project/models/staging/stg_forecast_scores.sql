select * from {{ source('gold', 'forecast_scores') }}
