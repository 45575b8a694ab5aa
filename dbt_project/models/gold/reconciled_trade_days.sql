{{ config(
    pre_hook="{{ delete_touched(days_to_reconcile('trades', 'trade_minutes'), ['market', 'symbol', 'day']) }}",
    post_hook=[
        "{{ record_upstream_loads(['klines', 'rejected_klines']) }}",
        "{{ record_trades_mark('trades', 'trade_minutes') }}",
        "{{ record_reconciled_periods(covered_periods('trades')) }}",
    ],
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
klines as (
    select * from {{ ref("klines") }}
),

trade_minutes as (
    select * from {{ ref("trade_minutes") }}
),

covered_periods as (
    {{ covered_periods("trades") }}
),

{% if is_incremental() %}
days_to_reconcile as (
    {{ days_to_reconcile("trades", "trade_minutes") }}
),

{% endif %}
candles as (
    select
        *,
        {{ opening_day() }} as day,
        open_time + interval '60 seconds' as window_end
    from klines
    where "interval" = '1m' and not is_off_grid
),

candles_to_reconcile as (
    {{ rows_of_touched_windows("candles", "days_to_reconcile", "day", "open_time", interval_seconds("1d")) }}
),

rebuilt as (
    select
        *,
        {{ window_start("minute", interval_seconds("1d")) }} as day
    from trade_minutes
),

rebuilt_to_reconcile as (
    {{ rows_of_touched_windows("rebuilt", "days_to_reconcile", "day", "minute", interval_seconds("1d")) }}
),

covered_candles as (
    {{ rows_in_covered_periods("candles_to_reconcile", "window_end") }}
),

-- A minute without trades has no prices to compare: its candle must say that nothing was traded.
pairs as (
    select
        candles.market,
        candles.symbol,
        candles."interval",
        candles.open_time,
        candles.day,
        {%- for column in reconciled_columns() %}
        candles.{{ column }} as left_{{ column }},
        {%- if column in ["open", "high", "low", "close"] %}
        rebuilt.{{ column }} as right_{{ column }},
        {%- else %}
        coalesce(rebuilt.{{ column }}, 0) as right_{{ column }},
        {%- endif %}
        {%- endfor %}
        coalesce(rebuilt.quote_tolerance, 0) as quote_tolerance,
        greatest(candles._dlt_load_id, rebuilt._dlt_load_id) as _dlt_load_id
    from covered_candles as candles
    left join rebuilt_to_reconcile as rebuilt
        on candles.market = rebuilt.market and candles.symbol = rebuilt.symbol and candles.open_time = rebuilt.minute
),

reconciled as (
    {{ reconciled_days("pairs", "klines_against_trades") }}
)

select * from reconciled
