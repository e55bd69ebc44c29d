select * from {{ ref('stg_listings') }}
