select
    forecasts.*,
    companies.name,
    companies.sector,
    scores.actual_close,
    scores.absolute_error,
    scores.persistence_absolute_error,
    scores.within_interval
from {{ ref('stg_forecasts') }} as forecasts
left join {{ ref('stg_forecast_scores') }} as scores
    on scores.symbol = forecasts.symbol
    and scores.model_name = forecasts.model_name
    and scores.model_version = forecasts.model_version
    and scores.made_at = forecasts.made_at
    and scores.target_session = forecasts.target_session
left join {{ ref('stg_current_companies') }} as companies on companies.symbol = forecasts.symbol
