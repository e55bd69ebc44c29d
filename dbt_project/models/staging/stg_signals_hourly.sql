select * from {{ source('gold', 'signals_hourly') }}
