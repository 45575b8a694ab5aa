{{ config(
    pre_hook=[
        "{{ delete_touched(touched_keys(ref('stg_binance__agg_trades'), agg_trade_key()), agg_trade_key()) }}",
        "{{ delete_revised('agg_trades') }}",
    ],
    post_hook="{{ record_staged_loads(ref('stg_binance__agg_trades'), 'agg_trades') }}",
) }}

with
newest as (
    select *
    from {{ newest_rows(ref("stg_binance__agg_trades"), "agg_trades", agg_trade_key(), "trade_time desc, source") }}
),

typed as (
    select
        market,
        symbol,
        agg_trade_id,
        price,
        quantity,
        first_trade_id,
        last_trade_id,
        trade_time,
        is_buyer_maker,
        source,
        _dlt_load_id
    from newest
)

select * from typed
