{{ config(
    pre_hook="{{ delete_touched(touched_trade_minutes('agg_trades'), ['market', 'symbol', 'minute']) }}",
    post_hook="{{ record_upstream_loads(['agg_trades']) }}",
) }}

-- depends_on: {{ ref("stg_binance__archive_files") }}

with
agg_trades as (
    select * from {{ ref("agg_trades") }}
),

{% if is_incremental() %}
touched_minutes as (
    {{ touched_trade_minutes("agg_trades") }}
),

{% endif %}
timed_trades as (
    select
        market,
        symbol,
        agg_trade_id,
        {{ window_start("trade_time", interval_seconds("1m")) }} as minute,
        trade_time,
        price,
        quantity,
        price * quantity as quote_quantity,
        last_trade_id - first_trade_id + 1 as trade_count,
        is_buyer_maker,
        _dlt_load_id
    from agg_trades
),

trades_of_touched_minutes as (
    {{ rows_of_touched_windows("timed_trades", "touched_minutes", "minute", "trade_time", interval_seconds("1m")) }}
),

rebuilt as (
    {{ rebuilt_minutes("trades_of_touched_minutes", "agg_trade_id") }}
)

select * from rebuilt
