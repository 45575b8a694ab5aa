{{ config(
    pre_hook="{{ delete_touched(touched_trade_minutes('trades'), ['market', 'symbol', 'minute']) }}",
    post_hook="{{ record_upstream_loads(['trades']) }}",
) }}

-- depends_on: {{ ref("stg_binance__archive_files") }}

with
trades as (
    select
        *,
        1 as trade_count
    from {{ ref("trades") }}
),

{% if is_incremental() %}
touched_minutes as (
    {{ touched_trade_minutes("trades") }}
),

{% endif %}
rebuilt as (
    {{ rebuilt_minutes("trades", "trade_id") }}
)

select * from rebuilt
