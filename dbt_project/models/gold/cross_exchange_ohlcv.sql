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
candles as not materialized (
    select * from {{ ref("candles") }}
),

{% if is_incremental() %}
touched_windows as (
    select * from {{ touched_table() }}
),

{% endif %}
candles_of_touched_windows as not materialized (
    {{ rows_to_rebuild("candles", "touched_windows", cross_exchange_key()) }}
),

{% for venue in venues() %}
{{ venue }} as (
    select * from candles_of_touched_windows
    where venue = '{{ venue }}'
),

{% endfor %}
-- Joined, not grouped: grouping with a maximum or a sum for each column takes several times as long.
side_by_side as (
    select
        {%- for venue in venues() %}
        {%- for column in ["open", "high", "low", "close", "volume", "quote_volume", "_dlt_load_id"] %}
        {{ venue }}.{{ column }} as {{ venue }}_{{ column }},
        {%- endfor %}
        case when {{ venue }}.quote_volume is not null then {{ venue }}.volume end as {{ venue }}_valued_volume,
        {%- endfor %}
        symbol,
        "interval",
        open_time
    from binance
    full join coinbase using (symbol, "interval", open_time)
    full join okx using (symbol, "interval", open_time)
),

summed as (
    select
        *,
        greatest({{ of_venues("?_high", ", ") }}) as high,
        least({{ of_venues("?_low", ", ") }}) as low,
        {%- for column in ["open", "close"] %}
        least({{ of_venues("?_" ~ column, ", ") }}) as lowest_{{ column }},
        greatest({{ of_venues("?_" ~ column, ", ") }}) as highest_{{ column }},
        {%- endfor %}
        {%- for column in ["volume", "quote_volume", "valued_volume"] %}
        case
            when coalesce({{ of_venues("?_" ~ column, ", ") }}) is not null
                then {{ of_venues("coalesce(?_" ~ column ~ ", 0)", " + ") }}
        end as {{ column }},
        {%- endfor %}
        {{ of_venues("cast(?_close is not null as bigint)", " + ") }} as n_venues,
        {{ of_venues("cast(coalesce(?_volume, 0) > 0 as bigint)", " + ") }} as n_venues_traded,
        greatest({{ of_venues("?__dlt_load_id", ", ") }}) as _dlt_load_id
    from side_by_side
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
        n_venues_traded,
        {%- for venue in venues() %}
        {{ venue }}_close,
        {{ venue }}_volume,
        {%- endfor %}
        _dlt_load_id
    from summed
)

select * from measured
