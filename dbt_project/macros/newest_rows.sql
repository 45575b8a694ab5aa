{#
    The rows of a staging view that the model has not seen yet, the newest load's version of each key. Rows with a null in
    their key are all kept: nothing says that they are the same.

    Only keys that occur twice go through a window function: it is slower than the count, and it loses the order of the
    rows, on which DuckDB's pruning by time rests. The view is read once for each use: as a materialized CTE its rows would
    all be copied, which was measured to take three times as long.

    versions: what decides between two rows of one key in one load, newest first.
#}
{% macro newest_rows(view, key, versions) %}
    {%- set columns = key | join(", ") -%}
    (
        with
        staged as not materialized (
            select * from {{ view }}
            where {{ is_new_load() }}
        ),

        repeated as (
            select {{ columns }}
            from staged
            where {{ key | join(" is not null and ") }} is not null
            group by {{ columns }}
            having count(*) > 1
        ),

        single_rows as (
            select * from staged
            anti join repeated using ({{ columns }})
        ),

        newest_of_repeated as (
            select * from staged
            semi join repeated using ({{ columns }})
            qualify row_number() over (
                partition by {{ columns }}
                order by _dlt_load_id desc, {{ versions }}
            ) = 1
        )

        select * from single_rows
        union all
        select * from newest_of_repeated
    )
{% endmacro %}
