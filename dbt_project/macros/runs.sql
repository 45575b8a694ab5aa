{#
    Runs: what follows upon each other without a hole, one row a run and day (UTC). Gaps and completeness are found from
    these, whose number follows the days and not the rows.
#}


{# The days of the slots of klines that came to silver, or left it, with the loads that the model has not taken in. #}
{% macro touched_run_days() %}
    select distinct
        market,
        symbol,
        "interval",
        {{ window_start(slot_start(slot_of("open_time")), interval_seconds("1d")) }} as day
    from (
        select
            market,
            symbol,
            "interval",
            open_time
        from {{ ref("klines") }}
        where {{ is_new_load() }}
        union all
        select
            market,
            symbol,
            "interval",
            open_time
        from {{ ref("rejected_klines") }}
        where {{ is_new_load() }} and market is not null and symbol is not null and open_time is not null
        {{- or_days_of_revised_files("klines", ["market", "symbol", '"interval"'], "open_time") }}
    )
    where day is not null
{% endmacro %}


{# The datasets whose rows are numbered one after the other. #}
{% macro trade_datasets() %}
    {{ return(["agg_trades", "trades"]) }}
{% endmacro %}


{# The days of the trades that came to silver with the loads that the model has not taken in. #}
{% macro touched_trade_days() %}
    {%- for dataset in trade_datasets() %}
    {%- set times = archived_datasets()[dataset].time %}
    {{ "union" if not loop.first }}
    select distinct
        '{{ dataset }}' as dataset,
        market,
        symbol,
        {{ window_start(times, interval_seconds("1d")) }} as day
    from (
        select
            market,
            symbol,
            {{ times }}
        from {{ ref(dataset) }}
        where {{ is_new_load(mark=dataset_mark(dataset)) }}
        {{- or_days_of_revised_files(dataset, ["market", "symbol"], times, dataset_mark(dataset)) }}
    )
    {%- endfor %}
{% endmacro %}


{#
    Union with a query of a series' columns and a time: a time in each day of revised files.

    mark: the watermark that says which files are new; by default the model's own.
#}
{% macro or_days_of_revised_files(dataset, series, time, mark=none) %}
    {%- if revised_bounds(dataset, mark) %}
    union all
    select
        {{ series | join(", ") }},
        unnest(
            generate_series(
                {{ window_start("period_start", interval_seconds("1d")) }},
                period_end - interval '1 microsecond',
                interval '1 day'
            )
        ) as {{ time }}
    from ({{ revised_files(dataset, mark) }})
    {%- endif %}
{% endmacro %}


{#
    Bounds on a time that hold the touched days; all on a full build. `longest`: how long after its day's beginning a row
    that counts for the day can be.
#}
{% macro within_touched_days(time, longest="1 day") %}
    {%- if is_incremental() %}
    where {{ is_within_bounds(time, "touched_days", "touched_days.day", "touched_days.day + interval '" ~ longest ~ "'") }}
    {%- endif %}
{% endmacro %}
