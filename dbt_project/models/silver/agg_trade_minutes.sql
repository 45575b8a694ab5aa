{{ config(
    pre_hook="{{ delete_touched(touched_trade_minutes('agg_trades'), ['market', 'symbol', 'minute']) }}",
    post_hook="{{ record_upstream_loads(['agg_trades']) }}",
) }}

-- depends_on: {{ ref("stg_binance__archive_files") }}

with
agg_trades as (
    select
        *,
        price * quantity as quote_quantity,
        last_trade_id - first_trade_id + 1 as trade_count
    from {{ ref("agg_trades") }}
),

{% if is_incremental() %}
touched_minutes as (
    {{ touched_trade_minutes("agg_trades") }}
),

{% endif %}
rebuilt as (
    {{ rebuilt_minutes("agg_trades", "agg_trade_id") }}
)

select * from rebuilt
