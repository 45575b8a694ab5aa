{{ config(
    pre_hook=[
        "{{ delete_touched(touched_keys(ref('stg_binance__trades'), trade_key()), trade_key()) }}",
        "{{ delete_revised('trades') }}",
    ],
    post_hook="{{ record_staged_loads(ref('stg_binance__trades'), 'trades') }}",
) }}

with
newest as (
    select * from {{ newest_rows(ref("stg_binance__trades"), "trades", trade_key(), "trade_time desc, source") }}
),

typed as (
    select
        market,
        symbol,
        trade_id,
        price,
        quantity,
        quote_quantity,
        trade_time,
        is_buyer_maker,
        source,
        _dlt_load_id
    from newest
)

select * from typed
