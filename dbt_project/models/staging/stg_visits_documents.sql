select * from {{ source('gold', 'visits_documents') }}
