{{ config(
    pre_hook=[
        "{{ delete_touched(touched_keys(ref('stg_binance__klines'), kline_key()), kline_key()) }}",
        "{{ delete_revised('klines') }}",
    ],
    post_hook="{{ record_staged_loads(ref('stg_binance__klines'), 'klines') }}",
) }}

with
doubtful as materialized (
    select *
    from {{ doubtful_rows(rows_to_take(ref("stg_binance__klines"), "klines"), kline_key(), kline_rules()) }}
),

newest as (
    select * from {{ newest_of("select * from doubtful", kline_key(), kline_versions()) }}
),

contradicting as (
    select * from {{ contradicting_rows("select * from doubtful", kline_key(), kline_versions()) }}
),

rejected as (
    {{ rejected_rows("newest", "contradicting", kline_rules()) }}
),

named as (
    select
        market,
        symbol,
        "interval",
        open_time,
        split_part(broken_rules, ',', 1) as rule,
        broken_rules,
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
        source,
        _dlt_load_id
    from rejected
)

select * from named
