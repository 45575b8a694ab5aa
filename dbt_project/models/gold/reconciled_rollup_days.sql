{{ config(
    pre_hook="{{ delete_touched(rollup_days_to_reconcile(), rollup_days_key()) }}",
    post_hook=[
        "{{ record_upstream_loads(['klines', 'rejected_klines', 'ohlcv']) }}",
        "{{ record_reconciled_periods(covered_periods('klines')) }}",
    ],
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
klines as not materialized (
    select * from {{ ref("klines") }}
),

ohlcv as not materialized (
    select * from {{ ref("ohlcv") }}
),

covered_periods as (
    {{ covered_periods("klines") }}
),

{% if is_incremental() %}
days_to_reconcile as (
    {{ rollup_days_to_reconcile() }}
),

{% endif %}
candles as (
    select
        *,
        {{ opening_day() }} as day,
        {{ window_end() }} as window_end
    from klines
    where "interval" not in ('1s', '1m') and not is_off_grid
),

own_candles as (
    select candles.*
    from candles
    {%- if is_incremental() %}
    semi join days_to_reconcile using (market, symbol, "interval", day)
    where {{ is_within_bounds("candles.open_time", "days_to_reconcile", "day", "day + interval '1 day'") }}
    {%- endif %}
),

-- Each shorter candle in the windows of all intervals that are rolled up from it.
parts as (
    {%- for name, part in reconciled_intervals().items() %}
    {{ "union all" if not loop.first }}
    select
        market,
        symbol,
        '{{ name }}' as window_interval,
        {{ interval_start("open_time", name) }} as window_open_time,
        open_time,
        open,
        high,
        low,
        close,
        close_time,
        volume,
        quote_volume,
        trade_count,
        taker_buy_volume,
        taker_buy_quote_volume,
        {{ "cast(not is_off_grid as bigint)" if part == "1m" else "minutes_present" }} as minutes_present,
        _dlt_load_id
    from {{ "klines" if part == "1m" else "ohlcv" }}
    where "interval" = '{{ part }}'
    {%- endfor %}
),

own_windows as (
    select
        market,
        symbol,
        "interval" as window_interval,
        open_time as window_open_time,
        window_end
    from own_candles
),

parts_of_own_windows as (
    select parts.*
    from parts
    semi join own_windows using (market, symbol, window_interval, window_open_time)
    {%- if is_incremental() %}
    where {{ is_within_bounds("parts.open_time", "own_windows", "window_open_time", "window_end") }}
    {%- endif %}
),

rolled_up as (
    select
        market,
        symbol,
        window_interval,
        window_open_time,
        {{ rolled_up_columns() }}
    from parts_of_own_windows
    group by market, symbol, window_interval, window_open_time
),

covered_candles as (
    {{ rows_in_covered_periods("own_candles", "window_end") }}
),

-- Where minutes are missing, the exchange has no more of them only if the whole window is covered.
pairs as (
    select
        own.market,
        own.symbol,
        own."interval",
        own.open_time,
        own.day,
        {%- for column in reconciled_columns() %}
        own.{{ column }} as left_{{ column }},
        rolled_up.{{ column }} as right_{{ column }},
        {%- endfor %}
        0 as quote_tolerance,
        greatest(own._dlt_load_id, rolled_up._dlt_load_id) as _dlt_load_id
    from own_candles as own
    inner join rolled_up
        on
            own.market = rolled_up.market
            and own.symbol = rolled_up.symbol
            and own."interval" = rolled_up.window_interval
            and own.open_time = rolled_up.window_open_time
    left join covered_candles as covered
        on
            own.market = covered.market
            and own.symbol = covered.symbol
            and own."interval" = covered."interval"
            and own.open_time = covered.open_time
    where
        covered.open_time is not null
        or rolled_up.minutes_present * 60000000 = epoch_us(own.window_end) - epoch_us(own.open_time)
),

reconciled as (
    {{ reconciled_days("pairs", "klines_against_minutes") }}
)

select * from reconciled
