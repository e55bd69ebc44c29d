{# The average of the last rows of a group, this one included; empty until there are that many. #}
{% macro moving_average(value, group, order, rows) -%}
    case
        when row_number() over (partition by {{ group }} order by {{ order }}) >= {{ rows }}
        then avg({{ value }}) over (partition by {{ group }} order by {{ order }} rows {{ rows - 1 }} preceding)
    end
{%- endmacro %}
