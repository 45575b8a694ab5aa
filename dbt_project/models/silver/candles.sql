{{ config(
    pre_hook="{{ take_out_touched(candles_to_rebuild(), venue_candle_key()) }}",
    post_hook=[
        "{{ record_dataset_loads('klines', ['klines', 'rejected_klines', 'candle_series:klines']) }}",
        "{{ record_dataset_loads('coinbase_candles', 'candle_series:coinbase_candles') }}",
        "{{ record_dataset_loads('okx_candles', 'candle_series:okx_candles') }}",
        "{{ record_newest_dataset_load() }}",
        "{{ record_pairs(candle_symbols()) }}",
    ],
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
klines as not materialized (
    select
        'binance' as venue,
        symbol as venue_symbol,
        "interval",
        open_time,
        cast(open as decimal(38, 18)) as open,
        cast(high as decimal(38, 18)) as high,
        cast(low as decimal(38, 18)) as low,
        cast(close as decimal(38, 18)) as close,
        cast(volume as decimal(38, 18)) as volume,
        cast(quote_volume as decimal(38, 18)) as quote_volume,
        trade_count,
        close_time,
        _dlt_load_id
    from {{ ref("klines") }}
    where market = 'spot'
),

{% for venue in other_venues() %}
{{ venue }}_candles as not materialized (
    {{ venue_candles(venue) }}
),

{% endfor %}
candle_series as (
    select * from {{ ref("candle_series") }}
    where symbol is not null
),

{% if is_incremental() %}
touched_candles as (
    select * from {{ touched_table() }}
),

{% endif %}
rebuilt as (
    {{ rows_to_rebuild("klines", "touched_candles", venue_candle_key()) }}
    {%- for venue in other_venues() %}
    union all
    select *
    from {{ newest_of(
        rows_to_rebuild(venue ~ "_candles", "touched_candles", venue_candle_key()),
        venue_candle_key(), candle_versions()
    ) }}
    where not {{ breaks_a_rule(candle_rules()) }}
    {%- endfor %}
),

named as (
    select
        rebuilt.venue,
        candle_series.symbol,
        rebuilt."interval",
        rebuilt.open_time,
        rebuilt.venue_symbol,
        candle_series.base_asset,
        candle_series.quote_asset,
        rebuilt.open,
        rebuilt.high,
        rebuilt.low,
        rebuilt.close,
        rebuilt.volume,
        rebuilt.quote_volume,
        rebuilt.trade_count,
        rebuilt.close_time,
        rebuilt._dlt_load_id
    from rebuilt
    inner join candle_series using (venue, venue_symbol, "interval")
)

select * from named
