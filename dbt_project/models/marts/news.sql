-- The words of the headline weigh more than the summary's when hits are ranked.
select
    news.observed_at,
    news._run_id,
    news._payload_sha256,
    news.url,
    news.symbol,
    news.session,
    news.published_at,
    news.headline,
    news.publisher,
    news.summary,
    news.language,
    news.source,
    news.document::jsonb as document,
    companies.name,
    companies.sector,
    companies.industry,
    setweight(to_tsvector('english', news.headline), 'A')
    || setweight(to_tsvector('english', coalesce(news.summary, '')), 'B') as search
from (select * from {{ ref('stg_news') }} where {{ in_slices('news') }}) as news
left join {{ ref('stg_current_companies') }} as companies on companies.symbol = news.symbol
