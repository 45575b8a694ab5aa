{{ config(
    pre_hook="{{ delete_touched(touched_ohlcv_windows(), kline_key()) }}",
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

touched_windows as (
    {{ touched_ohlcv_windows() }}
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

{% for name in rollup_intervals() %}
rolled_{{ name }} as (
    select
        * exclude (window_open_time),
        window_open_time as open_time
    from ({{ roll_up("minutes_of_touched_days" if loop.first else "rolled_" ~ loop.previtem, name) }})
),

{% endfor %}
all_windows as (
    {%- for name in rollup_intervals() %}
    {{ "union all" if not loop.first }}
    select
        *,
        {{ interval_seconds(name) // 60 }} as minutes_expected
    from rolled_{{ name }}
    {%- endfor %}
),

recomputed as (
    select all_windows.*
    from all_windows
    {%- if is_incremental() %}
    semi join touched_windows using ({{ kline_key() | join(", ") }})
    {%- endif %}
),

measured as (
    select
        market,
        symbol,
        "interval",
        open_time,
        open,
        high,
        low,
        close,
        volume,
        close_time,
        quote_volume,
        trade_count,
        taker_buy_volume,
        taker_buy_quote_volume,
        cast(quote_volume / nullif(volume, 0) as double) as vwap,
        cast(taker_buy_volume / nullif(volume, 0) as double) as taker_buy_share,
        cast(minutes_expected as bigint) as minutes_expected,
        minutes_present,
        cast(minutes_present / minutes_expected as double) as completeness,
        minutes_present = minutes_expected as is_complete,
        _dlt_load_id
    from recomputed
)

select * from measured
