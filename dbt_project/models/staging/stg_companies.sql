select * from {{ source('gold', 'companies') }}
