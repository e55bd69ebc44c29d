select * from {{ ref('stg_signals_hourly') }}
