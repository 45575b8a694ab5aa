{#
    What an incremental model has taken in is kept in stg.load_watermarks, one row a model, or a model and dataset:
    load_id         the newest load in the model; later loads are new to it
    tested_load_id  the newest load whose rows passed the model's data tests
    A model's own newest row cannot say this: a load can bring rejected rows only, or a build can end between two models.
    Each row is written in the transaction of its model, so that the two are never apart.
#}
{% macro watermarks_table() -%}
    {{ adapter.quote(target.database) }}.stg.load_watermarks
{%- endmacro %}


{# on-run-start: the table, and a row for every incremental model. #}
{% macro prepare_watermarks() %}
    {% if execute %}
    create schema if not exists {{ adapter.quote(target.database) }}.stg;
    create table if not exists {{ watermarks_table() }} (model_name text, load_id text, tested_load_id text);
    insert into {{ watermarks_table() }} (model_name)
    select model_name
    from (
        values
        {%- for node in graph.nodes.values() if node.config.materialized == "incremental" %}
        {{ "," if not loop.first }}('{{ node.name }}')
        {%- endfor %}
    ) as models (model_name)
    anti join {{ watermarks_table() }} using (model_name);
    {% endif %}
{% endmacro %}


{# One value of a model's row, '' where there is none yet: every load id is greater. #}
{% macro watermark(model_name, column="load_id") %}
    {% if not execute %}{{ return("") }}{% endif %}
    {% set query %}
        select coalesce(max({{ column }}), '') as mark
        from {{ watermarks_table() }}
        where model_name = '{{ model_name }}'
    {% endset %}
    {{ return(run_query(query).columns[0].values()[0]) }}
{% endmacro %}


{#
    True for a row of a load that the model being built has not taken in.

    mark: the name of the watermark, for a model that keeps more than one; by default the model's own.
#}
{% macro is_new_load(column="_dlt_load_id", mark=none) -%}
    {%- if is_incremental() -%}
    {{ column }} > '{{ watermark(mark or this.identifier) }}'
    {%- else -%} true {%- endif -%}
{%- endmacro %}


{# A table built anew is tested whole. #}
{% macro all_untested_again() -%}
    {%- if not is_incremental() -%} tested_load_id = null, {%- endif -%}
{%- endmacro %}


{#
    Post-hook of a model that reads a staging view, and the revisions of its files, which may have left no row.

    dataset: none for one that the archive does not have.
#}
{% macro record_staged_loads(view, dataset=none) %}
    update {{ watermarks_table() }}
    set
        {{ all_untested_again() }}
        load_id = greatest(
            load_id,
            (select max(_dlt_load_id) from {{ view }} where _dlt_load_id > '{{ watermark(this.identifier) }}')
            {%- if dataset %},
            (select max(_dlt_load_id) from {{ ref("stg_binance__archive_files") }} where dataset = '{{ dataset }}')
            {%- endif %}
        )
    where model_name = '{{ this.identifier }}'
{% endmacro %}


{# Post-hook of a model that reads other incremental models: it has seen what all of them have seen. #}
{% macro record_upstream_loads(upstream) %}
    update {{ watermarks_table() }}
    set
        {{ all_untested_again() }}
        load_id = (
            select case when count(*) = count(load_id) then min(load_id) end
            from {{ watermarks_table() }}
            where model_name in ('{{ upstream | join("', '") }}')
        )
    where model_name = '{{ this.identifier }}'
{% endmacro %}


{# The watermark of what a model has taken in of one of several datasets, which come in loads of their own. #}
{% macro dataset_mark(dataset) -%}
    {{ this.identifier }}:{{ dataset }}
{%- endmacro %}


{#
    Post-hook of a model of several datasets: it has seen of this one what the model that it reads it from has seen. One mark
    for all would be the oldest, or none where a dataset was never loaded, and what is newer than it would be new for ever.

    upstream: the name of that model's mark, or of those of several.
#}
{% macro record_dataset_loads(dataset, upstream) %}
    delete from {{ watermarks_table() }}
    where model_name = '{{ dataset_mark(dataset) }}';
    insert into {{ watermarks_table() }} (model_name, load_id)
    select
        '{{ dataset_mark(dataset) }}' as model_name,
        case when count(*) = count(load_id) then min(load_id) end as load_id
    from {{ watermarks_table() }}
    where model_name in ('{{ ([upstream] if upstream is string else upstream) | join("', '") }}')
{% endmacro %}


{# Post-hook of a model that reads the staging views of several datasets: it has seen what this one's holds. #}
{% macro record_staged_dataset(dataset, view) %}
    {%- set mark = watermark(dataset_mark(dataset)) %}
    delete from {{ watermarks_table() }}
    where model_name = '{{ dataset_mark(dataset) }}';
    insert into {{ watermarks_table() }} (model_name, load_id)
    select
        '{{ dataset_mark(dataset) }}' as model_name,
        greatest(nullif('{{ mark }}', ''), max(_dlt_load_id)) as load_id
    from {{ view }}
    where _dlt_load_id > '{{ mark }}'
{% endmacro %}


{# Post-hook of a model of several datasets, after the others: the newest load in it, up to which its tests look back. #}
{% macro record_newest_dataset_load() %}
    update {{ watermarks_table() }}
    set
        {{ all_untested_again() }}
        load_id = (
            select max(load_id) from {{ watermarks_table() }}
            where starts_with(model_name, '{{ dataset_mark("") }}')
        )
    where model_name = '{{ this.identifier }}'
{% endmacro %}


{#
    Pre-hook: takes out of the model the rows that the new loads touch, in the transaction that then inserts what is valid
    of them. dbt's delete+insert would leave a row whose key no longer has a valid version.

    touched: a query of the keys, with the model's own column names.
#}
{% macro delete_touched(touched, key) %}
    {% if is_incremental() %}
    delete from {{ this }} as stored
    using ({{ touched }}) as touched
    where
        {%- for column in key %}
        {{ "and " if not loop.first }}stored.{{ column }} = touched.{{ column }}
        {%- endfor %}
    {% endif %}
{% endmacro %}


{#
    Pre-hook: the same, where the query reads the model itself or is dear. What it finds is kept for the model's own query,
    which would find less once the rows are taken out.
#}
{% macro take_out_touched(touched, key) %}
    {% if is_incremental() %}
    create or replace temporary table {{ touched_table() }} as
    {{ touched }};
    {{ delete_touched("select * from " ~ touched_table(), key) }}
    {% endif %}
{% endmacro %}


{# The temporary table of what take_out_touched has found. #}
{% macro touched_table() -%}
    touched_{{ this.identifier }}
{%- endmacro %}


{# The keys that new loads bring to a staging view. #}
{% macro touched_keys(view, key) %}
    select distinct {{ key | join(", ") }}
    from {{ view }}
    where {{ is_new_load() }}
{% endmacro %}


{# on-run-end: the loads of the models whose data tests all ran and passed need not be tested again. #}
{% macro record_tested_loads(results) %}
    {% if execute %}
    {% set passed = results | selectattr("status", "equalto", "pass") | map(attribute="node.unique_id") | list %}
    {% set due = [] %}
    {% for test in graph.nodes.values() if test.resource_type == "test" and test.unique_id not in passed %}
        {% do due.append(test.attached_node) %}
    {% endfor %}
    {% set tested = [] %}
    {% for model in graph.nodes.values() if model.resource_type == "model" and model.unique_id not in due %}
        {% do tested.append(model.name) %}
    {% endfor %}
    update {{ watermarks_table() }}
    set tested_load_id = load_id
    where model_name in ('{{ tested | join("', '") }}') and tested_load_id is distinct from load_id
    {% endif %}
{% endmacro %}


{# Whether a data test looks at new rows only: where some loads have passed before. #}
{% macro is_limited_to_untested_loads(model, by_load) %}
    {{ return(by_load and not var("full_tests") and watermark(model.identifier, "tested_load_id") != "") }}
{% endmacro %}


{# True for a row of a load that no build has tested. #}
{% macro is_untested_load(model) -%}
    _dlt_load_id > '{{ watermark(model.identifier, "tested_load_id") }}'
{%- endmacro %}
