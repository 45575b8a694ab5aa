{{ config(
    pre_hook="{{ delete_touched(touched_trade_minutes('agg_trades'), ['market', 'symbol', 'minute']) }}",
    post_hook="{{ record_upstream_loads(['agg_trades']) }}",
) }}

-- depends_on: {{ ref("stg_binance__archive_files") }}

with
agg_trades as (
    select
        *,
        price * quantity as quote_quantity
    from {{ ref("agg_trades") }}
),

{% if is_incremental() %}
touched_minutes as (
    {{ touched_trade_minutes("agg_trades") }}
),

{% endif %}
trades_of_touched_minutes as (
    {{ trades_of_touched_minutes("agg_trades") }}
),

summed as (
    select
        market,
        symbol,
        minute,
        coalesce(sum(quantity) filter (where not is_buyer_maker), 0) as buy_volume,
        coalesce(sum(quantity) filter (where is_buyer_maker), 0) as sell_volume,
        coalesce(sum(quote_quantity) filter (where not is_buyer_maker), 0) as buy_quote_volume,
        coalesce(sum(quote_quantity) filter (where is_buyer_maker), 0) as sell_quote_volume,
        count(*) as agg_trade_count,
        sum(last_trade_id - first_trade_id + 1) as trade_count,
        sum(quantity) as volume,
        max(quantity) as max_trade_size,
        max(_dlt_load_id) as _dlt_load_id
    from trades_of_touched_minutes
    group by market, symbol, minute
),

measured as (
    select
        market,
        symbol,
        minute,
        cast(buy_volume as decimal(38, 8)) as buy_volume,
        cast(sell_volume as decimal(38, 8)) as sell_volume,
        cast(buy_quote_volume as decimal(38, 8)) as buy_quote_volume,
        cast(sell_quote_volume as decimal(38, 8)) as sell_quote_volume,
        cast((buy_volume - sell_volume) / nullif(volume, 0) as double) as imbalance,
        agg_trade_count,
        cast(trade_count as bigint) as trade_count,
        cast(volume / agg_trade_count as double) as avg_trade_size,
        max_trade_size,
        _dlt_load_id
    from summed
)

select * from measured
