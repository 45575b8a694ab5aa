{{ config(
    pre_hook="{{ take_out_touched(cross_exchange_to_rebuild(), cross_exchange_key()) }}",
    post_hook=[
        "{{ record_dataset_loads('klines', 'candles:klines') }}",
        "{{ record_dataset_loads('coinbase_candles', 'candles:coinbase_candles') }}",
        "{{ record_dataset_loads('okx_candles', 'candles:okx_candles') }}",
        "{{ record_newest_dataset_load() }}",
        "{{ record_pairs(taken_pairs('candles')) }}",
    ],
) }}

-- depends_on: {{ ref("klines") }}
-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}
-- depends_on: {{ ref("stg_coinbase__candles") }}
-- depends_on: {{ ref("stg_okx__candles") }}

with
candles as (
    select * from {{ ref("candles") }}
),

{% if is_incremental() %}
touched_windows as (
    select * from {{ touched_table() }}
),

{% endif %}
candles_of_touched_windows as (
    {{ rows_to_rebuild("candles", "touched_windows", cross_exchange_key()) }}
),

side_by_side as (
    select
        symbol,
        "interval",
        open_time,
        max(high) as high,
        min(low) as low,
        sum(volume) as volume,
        sum(quote_volume) as quote_volume,
        sum(volume) filter (where quote_volume is not null) as valued_volume,
        min(open) as lowest_open,
        max(open) as highest_open,
        min(close) as lowest_close,
        max(close) as highest_close,
        count(*) as n_venues,
        count_if(volume > 0) as n_venues_traded,
        {%- for venue in venues() %}
        {%- for column in ["open", "close", "volume"] %}
        max({{ column }}) filter (where venue = '{{ venue }}') as {{ venue }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        max(_dlt_load_id) as _dlt_load_id
    from candles_of_touched_windows
    group by symbol, "interval", open_time
),

measured as (
    select
        symbol,
        "interval",
        open_time,
        {{ volume_weighted("open") }} as open,
        high,
        low,
        {{ volume_weighted("close") }} as close,
        volume,
        quote_volume,
        cast(quote_volume as double) / nullif(cast(valued_volume as double), 0) as vwap,
        lowest_close,
        highest_close,
        case
            when n_venues > 1
                then cast(highest_close - lowest_close as double) / cast(lowest_close as double) * 10000
        end as spread_bps,
        n_venues,
        cast(n_venues_traded as bigint) as n_venues_traded,
        {%- for venue in venues() %}
        {{ venue }}_close,
        {{ venue }}_volume,
        {%- endfor %}
        _dlt_load_id
    from side_by_side
)

select * from measured
