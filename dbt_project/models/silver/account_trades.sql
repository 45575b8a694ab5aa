{{ config(
    pre_hook="{{ delete_touched(
        touched_keys(ref('stg_binance__account_trades'), account_trade_key()), account_trade_key()
    ) }}",
    post_hook="{{ record_staged_loads(ref('stg_binance__account_trades')) }}",
) }}

with
newest as (
    select *
    from {{ newest_rows(ref("stg_binance__account_trades"), none, account_trade_key(), "trade_time desc, order_id") }}
),

typed as (
    select
        symbol,
        trade_id,
        order_id,
        price,
        quantity,
        quote_quantity,
        commission,
        commission_asset,
        trade_time,
        is_buyer,
        is_maker,
        _dlt_load_id
    from newest
)

select * from typed
