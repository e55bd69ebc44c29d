{# Rows of a key that is not unique or has an empty part; one pass over the table for both. #}
{% test key(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as found
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
    {%- for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}


{# Keys of a child that its parent lacks. #}
{% test belongs_to(model, parent, columns) %}
    select distinct {{ columns | join(', ') }}
    from {{ model }} as child
    where not exists (
        select 1 from {{ parent }} as parent
        where {% for column in columns %}parent.{{ column }} = child.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    )
{% endtest %}


{# A mart that joins columns on to a table has exactly that table's rows, or those of the slices being built. #}
{% test rows_of(model, parent, mart) %}
    select made.found as found, wanted.found as expected
    from (select count(*) as found from {{ model }}) as made
    cross join (select count(*) as found from {{ parent }} where {{ in_slices(mart) }}) as wanted
    where made.found <> wanted.found
{% endtest %}
