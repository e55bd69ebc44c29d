{# The average over the last rows, from a running sum and the number of rows so far; empty until there are that many.
   A moving avg() adds every window up anew: 270 additions a row for windows of 20, 50 and 200. The running sum has to be
   numeric, so that what is taken away again leaves no rounding behind. #}
{% macro moving_average(running, so_far, rows, order) -%}
    case
        when {{ so_far }} >= {{ rows }}
        then ({{ running }} - lag({{ running }}, {{ rows }}, 0::numeric) over ({{ order }}))::double precision / {{ rows }}
    end
{%- endmacro %}
