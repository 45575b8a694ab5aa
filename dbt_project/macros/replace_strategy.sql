{#
    Incremental strategy `replace`: the model's rows, which it may compute from what the table holds, take the place of
    all that the table holds. For small tables of which the input is large.
#}
{% macro get_incremental_replace_sql(arg_dict) %}
    delete from {{ arg_dict["target_relation"] }};
    insert into {{ arg_dict["target_relation"] }} by name
    select * from {{ arg_dict["temp_relation"] }}
{% endmacro %}
