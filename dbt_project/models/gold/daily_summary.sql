{{ config(
    pre_hook="{{ delete_touched(touched_days(), ['market', 'symbol', 'day']) }}",
    post_hook="{{ record_upstream_loads(['klines', 'rejected_klines']) }}",
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
klines as (
    select * from {{ ref("klines") }}
),

{% if is_incremental() %}
touched_days as (
    {{ touched_days() }}
),

{% endif %}
minutes as (
    select
        *,
        {{ window_start("open_time", interval_seconds("1d")) }} as day,
        cast(not is_off_grid as bigint) as minutes_present
    from klines
    where "interval" = '1m'
),

minutes_of_touched_days as (
    {{ rows_of_touched_windows("minutes", "touched_days", "day", "open_time", interval_seconds("1d")) }}
),

days as (
    {{ roll_up("minutes_of_touched_days", "1d") }}
),

first_trades as (
    select
        market,
        symbol,
        day,
        min(open_time) as first_traded_open_time,
        arg_min(open, open_time) as open
    from minutes_of_touched_days
    where trade_count > 0
    group by market, symbol, day
),

-- Minutes before the day's first trade repeat the previous day's close: no return of this day starts from them.
traded_path as (
    select
        minutes_of_touched_days.market,
        minutes_of_touched_days.symbol,
        minutes_of_touched_days.day,
        minutes_of_touched_days.open_time,
        minutes_of_touched_days.close,
        first_trades.open as day_open
    from minutes_of_touched_days
    inner join first_trades using (market, symbol, day)
    where minutes_of_touched_days.open_time >= first_trades.first_traded_open_time
),

steps as (
    select
        market,
        symbol,
        day,
        close,
        ln(close / lag(close, 1, day_open) over by_time) as log_return,
        greatest(day_open, max(close) over by_time) as peak
    from traded_path
    window
        by_time as (
            partition by market, symbol, day
            order by open_time
            rows between unbounded preceding and current row
        )
),

paths as (
    select
        market,
        symbol,
        day,
        sqrt(sum(log_return * log_return)) as realised_volatility,
        max(1 - close / peak) as max_drawdown
    from steps
    group by market, symbol, day
),

measured as (
    select
        days.market,
        days.symbol,
        days.window_open_time as day,
        days.open,
        days.high,
        days.low,
        days.close,
        cast(days.close / days.open - 1 as double) as simple_return,
        cast(ln(days.close / days.open) as double) as log_return,
        cast(coalesce(paths.realised_volatility, 0) as double) as realised_volatility,
        cast(coalesce(paths.realised_volatility, 0) * sqrt(365) as double) as realised_volatility_annualised,
        cast(days.high - days.low as decimal(28, 8)) as price_range,
        cast((days.high - days.low) / days.open as double) as relative_range,
        days.volume,
        days.quote_volume,
        days.trade_count,
        cast(days.quote_volume / nullif(days.volume, 0) as double) as vwap,
        cast(coalesce(paths.max_drawdown, 0) as double) as max_drawdown,
        cast({{ interval_seconds("1d") // 60 }} as bigint) as minutes_expected,
        days.minutes_present,
        cast(days.minutes_present / {{ interval_seconds("1d") // 60 }} as double) as completeness,
        days.minutes_present = {{ interval_seconds("1d") // 60 }} as is_complete,
        days._dlt_load_id
    from days
    left join paths
        on days.market = paths.market and days.symbol = paths.symbol and days.window_open_time = paths.day
)

select * from measured
