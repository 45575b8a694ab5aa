{#
    The rows of a staging view that the model has not seen yet, or has to look at again (revisions.sql), the newest load's
    version of each key. Rows with a null in their key are all kept: nothing says that they are the same.

    Only keys that occur twice go through a window function: it is slower than the count, and it loses the order of the
    rows, on which DuckDB's pruning by time rests. The view is read once for each use: as a materialized CTE its rows would
    all be copied, which was measured to take three times as long.

    versions: what decides between two rows of one key in one load, best first; a total order, or a full build could
    choose otherwise than an incremental one.
#}
{% macro newest_rows(view, dataset, key, versions) %}
    {{- newest_of(rows_to_take(view, dataset), key, versions) }}
{% endmacro %}


{# The same of the rows of any query with the columns of a staging view. #}
{% macro newest_of(rows, key, versions) %}
    {%- set columns = key | join(", ") -%}
    (
        with
        {{ staged_and_repeated(rows, key) }},

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


{#
    The rows that newest_of passes over although they are of the same load as the row that it takes, and differ from it:
    two answers to one question. Exact copies are one row, and what an older load said is history, not a contradiction.
#}
{% macro contradicting_rows(rows, key, versions) %}
    {%- set columns = key | join(", ") -%}
    (
        with
        {{ staged_and_repeated(rows, key) }},

        distinct_rows as (
            select distinct staged.* from staged
            semi join repeated using ({{ columns }})
        )

        select * from distinct_rows
        qualify
            _dlt_load_id = max(_dlt_load_id) over (partition by {{ columns }})
            and row_number() over (partition by {{ columns }} order by _dlt_load_id desc, {{ versions }}) > 1
    )
{% endmacro %}


{#
    The rows that may have to be rejected: those that break a rule, and all of a key that occurs more than once. They are
    few, and spare the others what it takes to find the newest rows and the contradicting ones.
#}
{% macro doubtful_rows(rows, key, rules) %}
    {%- set columns = key | join(", ") -%}
    (
        with
        {{ staged_and_repeated(rows, key) }}

        select * from staged
        anti join repeated using ({{ columns }})
        where {{ breaks_a_rule(rules) }}
        union all
        select * from staged
        semi join repeated using ({{ columns }})
    )
{% endmacro %}


{# Two CTEs: the rows of a query, and the keys that occur more than once among them. #}
{% macro staged_and_repeated(rows, key) %}
        staged as not materialized (
            {{ rows }}
        ),

        repeated as (
            select {{ key | join(", ") }}
            from staged
            where {{ key | join(" is not null and ") }} is not null
            group by {{ key | join(", ") }}
            having count(*) > 1
        )
{%- endmacro %}
