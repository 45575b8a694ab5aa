{#
    Files that the archive has published again. Their new rows are in a newer load, their old rows are gone from staging or
    about to be: those of the file's path up to replaced_load_id. What a new version no longer has leaves no trace among the
    new rows, so the whole period of such a file is built anew, from all that staging holds of it.
#}


{# The files of a dataset that a new load has brought again, with their periods [period_start, period_end). #}
{% macro revised_files(dataset, mark=none) %}
    select
        market,
        symbol,
        "interval",
        make_timestamptz(epoch_us(first_day) - {{ period_margin(dataset) }}) as period_start,
        make_timestamptz(epoch_us(first_day + length_of_period) + {{ period_margin(dataset) }}) as period_end
    from (
        select
            *,
            cast(regexp_extract(path, '(\d{4}-\d{2})(-\d{2})?\.zip$', 1) || coalesce(day_of_month, '-01') as timestamp)
                as first_day,
            case when day_of_month is null then interval '1 month' else interval '1 day' end as length_of_period
        from (
            select
                *,
                nullif(regexp_extract(path, '(\d{4}-\d{2})(-\d{2})?\.zip$', 2), '') as day_of_month
            from {{ ref("stg_binance__archive_files") }}
            where dataset = '{{ dataset }}' and revision > 1 and {{ is_new_load(mark=mark) }}
        )
    )
{% endmacro %}


{# Microseconds by which a file's rows may lie beside its period: no candle does, a trade was seen in two days' files. #}
{% macro period_margin(dataset) -%}
    {{ 0 if archived_datasets()[dataset].time == "open_time" else interval_seconds("1h") * 1000000 }}
{%- endmacro %}


{#
    The first and last time, in microseconds since 1970, of the periods to build anew; none where there are none, as in most
    builds: these then look at nothing more. As literals the times let DuckDB skip the blocks of other times.
#}
{% macro revised_bounds(dataset, mark=none) %}
    {% if not execute or not is_incremental() %}{{ return(none) }}{% endif %}
    {% set query %}
        select
            epoch_us(min(period_start)) as period_start,
            epoch_us(max(period_end)) as period_end
        from ({{ revised_files(dataset, mark) }})
    {% endset %}
    {% set bounds = run_query(query).rows[0] %}
    {{ return(none if bounds[0] is none else [bounds[0] | int, bounds[1] | int]) }}
{% endmacro %}


{# True where a row is of one of the `revised` files' series and periods, within the bounds of all of them. #}
{% macro is_in_revised_period(row, dataset, bounds) -%}
    {%- set time = archived_datasets()[dataset].time -%}
    {%- for column in archived_datasets()[dataset].series %}
    {{ "and " if not loop.first }}{{ row }}.{{ column }} = revised.{{ column }}
    {%- endfor %}
    and {{ row }}.{{ time }} >= revised.period_start
    and {{ row }}.{{ time }} < revised.period_end
    and {{ row }}.{{ time }} >= make_timestamptz({{ bounds[0] }})
    and {{ row }}.{{ time }} < make_timestamptz({{ bounds[1] }})
{%- endmacro %}


{# The datasets of the archive: the column of their rows' time, and those that say which file's series a row is of. #}
{% macro archived_datasets() %}
    {{ return({
        "klines": {"time": "open_time", "series": ["market", "symbol", '"interval"']},
        "agg_trades": {"time": "trade_time", "series": ["market", "symbol"]},
        "trades": {"time": "trade_time", "series": ["market", "symbol"]},
        "mark_price_klines": {"time": "open_time", "series": ["symbol", '"interval"']},
        "funding_rates": {"time": "funding_time", "series": ["symbol"]},
        "open_interest": {"time": "open_interest_time", "series": ["symbol"]},
    }) }}
{% endmacro %}


{# Pre-hook: takes the periods of revised files out of the model, which then builds them anew. #}
{% macro delete_revised(dataset) %}
    {% set bounds = revised_bounds(dataset) %}
    {% if bounds %}
    delete from {{ this }} as stored
    using ({{ revised_files(dataset) }}) as revised
    where {{ is_in_revised_period("stored", dataset, bounds) }}
    {% endif %}
{% endmacro %}


{#
    The rows of a staging view that the model has to look at: those of new loads, and what older loads have brought of the
    periods of revised files; without what a revision has replaced.

    dataset: none for one that the archive does not have.
#}
{% macro rows_to_take(view, dataset) %}
    {%- set bounds = revised_bounds(dataset) if dataset -%}
    {%- if bounds %}
    select staged_rows.*
    from (
        select * from {{ view }}
        where {{ is_new_load() }}
        union all
        select earlier.*
        from {{ view }} as earlier
        semi join ({{ revised_files(dataset) }}) as revised
            on {{ is_in_revised_period("earlier", dataset, bounds) }}
        where not {{ is_new_load("earlier._dlt_load_id") }}
    ) as staged_rows
    {%- else %}
    select staged_rows.*
    from {{ view }} as staged_rows
    {%- endif %}
    {%- if bounds or (dataset and not is_incremental()) %}
    {{ without_replaced_rows("staged_rows") }}
    {%- endif %}
    {%- if not bounds %}
    where {{ is_new_load("staged_rows._dlt_load_id") }}
    {%- endif %}
{% endmacro %}


{# Leaves out, in a query's joins, the rows of files that a newer version has replaced. #}
{% macro without_replaced_rows(rows) -%}
    anti join {{ ref("stg_binance__archive_files") }} as files
        on {{ rows }}.source = files.path and {{ rows }}._dlt_load_id <= files.replaced_load_id
{%- endmacro %}


{#
    Union with a query of market, symbol and `time`: the windows of revised files, one row every so many seconds.

    mark: the watermark that says which files are new. interval: of the files of klines; none for all of them.
#}
{% macro or_revised_windows(dataset, time, seconds, mark=none, interval="1m") %}
    {%- if revised_bounds(dataset, mark) %}
    union all
    select
        market,
        symbol,
        unnest(
            generate_series(
                {{ window_start("period_start", seconds) }},
                period_end - interval '1 microsecond',
                interval '{{ seconds }} seconds'
            )
        ) as {{ time }}
    from ({{ revised_files(dataset, mark) }})
    {%- if dataset == "klines" and interval %}
    where "interval" = '{{ interval }}'
    {%- endif %}
    {%- endif %}
{% endmacro %}
