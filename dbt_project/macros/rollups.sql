{#
    Candles of a longer interval from shorter candles that divide it. A candle without trades repeats the previous close,
    so open, high and low come from the candles that traded, if any in the window did; the close is the last candle's
    either way. Rolled up from a rolled-up interval this gives the same as from the minutes themselves.
#}
{% macro roll_up(candles, interval) %}
    select
        market,
        symbol,
        '{{ interval }}' as "interval",
        {{ window_start("open_time", interval_seconds(interval)) }} as window_open_time,
        {{ rolled_up_columns() }}
    from {{ candles }}
    group by market, symbol, window_open_time
{% endmacro %}


{# What becomes of the columns of the shorter candles of one window. #}
{% macro rolled_up_columns() -%}
        coalesce(arg_min(open, open_time) filter (where trade_count > 0), arg_min(open, open_time)) as open,
        coalesce(max(high) filter (where trade_count > 0), max(high)) as high,
        coalesce(min(low) filter (where trade_count > 0), min(low)) as low,
        arg_max(close, open_time) as close,
        max(close_time) as close_time,
        cast(sum(volume) as decimal(38, 8)) as volume,
        cast(sum(quote_volume) as decimal(38, 8)) as quote_volume,
        cast(sum(trade_count) as bigint) as trade_count,
        cast(sum(taker_buy_volume) as decimal(38, 8)) as taker_buy_volume,
        cast(sum(taker_buy_quote_volume) as decimal(38, 8)) as taker_buy_quote_volume,
        cast(sum(minutes_present) as bigint) as minutes_present,
        max(_dlt_load_id) as _dlt_load_id
{%- endmacro %}


{#
    The rows whose window holds a row of a new load; all rows on a full build.

    rows, touched: CTEs with the columns market, symbol and `window`; `time` is what the window was computed from. The
    bounds on it repeat what the join says.
#}
{% macro rows_of_touched_windows(rows, touched, window, time, seconds) %}
    select {{ rows }}.*
    from {{ rows }}
    {%- if is_incremental() %}
    semi join {{ touched }} using (market, symbol, {{ window }})
    where {{ is_within_bounds(rows ~ "." ~ time, touched, window, window ~ " + interval '" ~ seconds ~ " seconds'") }}
    {%- endif %}
{% endmacro %}


{#
    True where a time is from the first `start` of some ranges to their last `end`, in a form that lets DuckDB skip the
    blocks of other times. It skips none for a bound that is null: without a range all times are before the first one.
#}
{% macro is_within_bounds(time, ranges, start, end) -%}
    {{ time }} >= (select coalesce(min({{ start }}), 'infinity') from {{ ranges }})
    and {{ time }} < (select max({{ end }}) from {{ ranges }})
{%- endmacro %}


{#
    The 1m klines that came to silver, or left it as rejected, with the loads that the model has not taken in; and the
    windows in which a revised file may have lost some.
#}
{% macro touched_minutes() %}
    select
        market,
        symbol,
        open_time
    from {{ ref("klines") }}
    where "interval" = '1m' and {{ is_new_load() }}
    union all
    select
        market,
        symbol,
        open_time
    from {{ ref("rejected_klines") }}
    where
        "interval" = '1m' and {{ is_new_load() }}
        and market is not null and symbol is not null and open_time is not null
    {{- or_revised_windows("klines", "open_time", interval_seconds(rollup_intervals()[0])) }}
{% endmacro %}


{# The windows of gold.ohlcv that hold a touched minute. #}
{% macro touched_ohlcv_windows() %}
    {%- set minutes = touched_minutes() %}
    {%- for name in rollup_intervals() %}
    {{ "union all" if not loop.first }}
    select distinct
        market,
        symbol,
        '{{ name }}' as "interval",
        {{ window_start("open_time", interval_seconds(name)) }} as open_time
    from ({{ minutes }})
    {%- endfor %}
{% endmacro %}


{# The days that hold a touched minute. #}
{% macro touched_days() %}
    select distinct
        market,
        symbol,
        {{ window_start("open_time", interval_seconds("1d")) }} as day
    from ({{ touched_minutes() }})
{% endmacro %}


{# The minutes that hold a trade of a new load, or did so before a file was revised. #}
{% macro touched_trade_minutes(dataset) %}
    select distinct
        market,
        symbol,
        minute
    from (
        select
            market,
            symbol,
            {{ window_start("trade_time", interval_seconds("1m")) }} as minute
        from {{ ref(dataset) }}
        where {{ is_new_load() }}
        {{- or_revised_windows(dataset, "minute", interval_seconds("1m")) }}
    )
{% endmacro %}


{#
    The rows of a CTE with trade_time, their `minute` beside them. In incremental builds those of the CTE touched_minutes.
#}
{% macro trades_of_touched_minutes(trades) %}
    with
    timed_trades as (
        select
            *,
            {{ window_start("trade_time", interval_seconds("1m")) }} as minute
        from {{ trades }}
    )

    {{ rows_of_touched_windows("timed_trades", "touched_minutes", "minute", "trade_time", interval_seconds("1m")) }}
{% endmacro %}
