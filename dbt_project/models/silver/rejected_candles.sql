{{ config(
    pre_hook="{{ delete_touched(new_venue_candle_keys(), venue_candle_key()) }}",
    post_hook=[
        "{{ record_staged_dataset('coinbase_candles', ref('stg_coinbase__candles')) }}",
        "{{ record_staged_dataset('okx_candles', ref('stg_okx__candles')) }}",
        "{{ record_newest_dataset_load() }}",
    ],
) }}

with
doubtful as materialized (
    {%- for venue in other_venues() %}
    {{ "union all" if not loop.first }}
    select *
    from {{ doubtful_rows(new_venue_candles(venue), venue_candle_key(), candle_rules()) }}
    {%- endfor %}
),

newest as (
    select * from {{ newest_of("select * from doubtful", venue_candle_key(), candle_versions()) }}
),

contradicting as (
    select * from {{ contradicting_rows("select * from doubtful", venue_candle_key(), candle_versions()) }}
),

rejected as (
    {{ rejected_rows("newest", "contradicting", candle_rules()) }}
),

named as (
    select
        venue,
        venue_symbol,
        "interval",
        open_time,
        split_part(broken_rules, ',', 1) as rule,
        broken_rules,
        open,
        high,
        low,
        close,
        volume,
        quote_volume,
        _dlt_load_id
    from rejected
)

select * from named
