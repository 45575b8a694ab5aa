{#
    A staging table in the types of the model's contract. What was never loaded has no table: the model is then empty.
    A column that the table lacks (an older load's schema) is null.

    The tables are named without the database: its name is that of the file, and a view has to outlive a copy of the file,
    or one that is attached.

    complete_loads_only: leave out rows of loads that dlt has not entered as complete in _dlt_loads, such as those that a
    crash left behind. Tables that dlt merges into need no such guard.
#}
{% macro staged(table, complete_loads_only=true) %}
    {%- set relation = load_relation(source("staging", table)) if execute else none -%}
    {%- set loads = load_relation(source("staging", "_dlt_loads")) if execute else none -%}
    {%- set is_readable = relation is not none and (loads is not none or not complete_loads_only) -%}
    {%- set columns = adapter.get_columns_in_relation(relation) if is_readable else [] -%}
    {%- set present = columns | map(attribute="name") | list -%}
    select
    {%- for column in model.columns.values() %}
        cast({{ '"' ~ column.name ~ '"' if column.name in present else "null" }} as {{ column.data_type }})
        as "{{ column.name }}"{{ "," if not loop.last }}
    {%- endfor %}
    {%- if not is_readable %}
    where false
    {%- else %}
    from {{ relation.include(database=false) }}
    {%- if complete_loads_only %}
    where _dlt_load_id in (
        select complete.load_id from {{ loads.include(database=false) }} as complete
        where complete.status = 0
    )
    {%- endif %}
    {%- endif %}
{% endmacro %}
