{{ config(
    pre_hook="{{ delete_touched(touched_trade_minutes('trades'), ['market', 'symbol', 'minute']) }}",
    post_hook="{{ record_upstream_loads(['trades']) }}",
) }}

-- depends_on: {{ ref("stg_binance__archive_files") }}

with
trades as (
    select * from {{ ref("trades") }}
),

{% if is_incremental() %}
touched_minutes as (
    {{ touched_trade_minutes("trades") }}
),

{% endif %}
timed_trades as (
    select
        market,
        symbol,
        trade_id,
        {{ window_start("trade_time", interval_seconds("1m")) }} as minute,
        trade_time,
        price,
        quantity,
        quote_quantity,
        1 as trade_count,
        is_buyer_maker,
        _dlt_load_id
    from trades
),

trades_of_touched_minutes as (
    {{ rows_of_touched_windows("timed_trades", "touched_minutes", "minute", "trade_time", interval_seconds("1m")) }}
),

rebuilt as (
    {{ rebuilt_minutes("trades_of_touched_minutes", "trade_id") }}
)

select * from rebuilt
