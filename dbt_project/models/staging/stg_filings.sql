select * from {{ source('gold', 'filings') }}
