select * from {{ source('gold', 'news') }}
