{# The condition that keeps a mart's rows to the slices that are being built; true where it is built whole. Read when a
   model runs, not when the project is parsed: a parse would else be made anew for every set of slices. #}
{% macro in_slices(mart) -%}
    {%- if execute -%}
        ({{ fromjson(env_var('TIDEMARK_DBT_SLICES', '{}')).get(mart, 'true') }})
    {%- else -%}
        (true)
    {%- endif -%}
{%- endmacro %}
