{{ config(
    pre_hook=[
        "{{ delete_touched(touched_keys(ref('stg_binance__klines'), kline_key()), kline_key()) }}",
        "{{ delete_revised('klines') }}",
    ],
    post_hook="{{ record_staged_loads(ref('stg_binance__klines'), 'klines') }}",
) }}

with
newest as (
    select * from {{ newest_rows(ref("stg_binance__klines"), "klines", kline_key(), kline_versions()) }}
),

valid as (
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
        {{ is_off_grid() }} as is_off_grid,
        {{ is_close_time_irregular() }} as is_close_time_irregular,
        source,
        _dlt_load_id
    from newest
    where not {{ breaks_a_rule(kline_rules()) }}
)

select * from valid
