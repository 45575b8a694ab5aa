{{ config(
    incremental_strategy="replace",
    post_hook=[
        "{{ record_staged_dataset('klines', ref('stg_binance__klines')) }}",
        "{{ record_staged_dataset('coinbase_candles', ref('stg_coinbase__candles')) }}",
        "{{ record_staged_dataset('okx_candles', ref('stg_okx__candles')) }}",
    ],
) }}

with
klines as (
    select * from {{ ref("stg_binance__klines") }}
),

coinbase_candles as (
    select * from {{ ref("stg_coinbase__candles") }}
),

okx_candles as (
    select * from {{ ref("stg_okx__candles") }}
),

symbols as (
    select * from {{ ref("stg_binance__symbols") }}
),

products as (
    select * from {{ ref("stg_coinbase__products") }}
),

instruments as (
    select * from {{ ref("stg_okx__instruments") }}
),

connected_symbols as (
    select * from {{ ref("stg_venues__connected_symbols") }}
),

loaded_series as (
    select
        'binance' as venue,
        symbol as venue_symbol,
        "interval"
    from klines
    where market = 'spot' and {{ is_new_load(mark=dataset_mark("klines")) }}
    union
    select
        'coinbase' as venue,
        symbol as venue_symbol,
        "interval"
    from coinbase_candles
    where {{ is_new_load(mark=dataset_mark("coinbase_candles")) }}
    union
    select
        'okx' as venue,
        symbol as venue_symbol,
        "interval"
    from okx_candles
    where {{ is_new_load(mark=dataset_mark("okx_candles")) }}
    {%- if is_incremental() %}
    union
    select
        venue,
        venue_symbol,
        "interval"
    from {{ this }}
    {%- endif %}
),

snapshots as (
    select
        'binance' as venue,
        symbol as venue_symbol,
        nullif(base_asset, '') as base_asset,
        nullif(quote_asset, '') as quote_asset,
        'SPOT' as instrument_type,
        coalesce(status = 'TRADING', false) as is_trading
    from symbols
    where market = 'spot'
    union all
    select
        'coinbase' as venue,
        symbol as venue_symbol,
        nullif(base_asset, '') as base_asset,
        nullif(quote_asset, '') as quote_asset,
        'SPOT' as instrument_type,
        coalesce(status = 'online', false) as is_trading
    from products
    union all
    select
        'okx' as venue,
        symbol as venue_symbol,
        nullif(base_asset, '') as base_asset,
        nullif(quote_asset, '') as quote_asset,
        instrument_type,
        coalesce(state = 'live', false) as is_trading
    from instruments
),

-- Series of Binance are those of its spot market, whose symbols its futures have as well.
connected as (
    select
        venue,
        symbol as venue_symbol,
        nullif(base_asset, '') as base_asset,
        nullif(quote_asset, '') as quote_asset,
        upper(market) as instrument_type
    from connected_symbols
    where venue <> 'binance' or market = 'spot'
    qualify row_number() over (partition by venue, symbol order by connected_at desc, market asc) = 1
),

metadata as (
    select
        venue,
        venue_symbol,
        coalesce(snapshots.base_asset, connected.base_asset) as base_asset,
        coalesce(snapshots.quote_asset, connected.quote_asset) as quote_asset,
        coalesce(snapshots.instrument_type, connected.instrument_type) as instrument_type,
        coalesce(snapshots.is_trading, false) as is_trading
    from snapshots
    full join connected using (venue, venue_symbol)
),

-- Should two symbols of a venue have the same assets, one of them stands for these.
ranked as (
    select
        *,
        row_number() over (
            partition by venue, instrument_type, base_asset, quote_asset
            order by is_trading desc, venue_symbol asc
        ) as assets_rank
    from metadata
),

judged as (
    select
        loaded_series.venue,
        loaded_series.venue_symbol,
        loaded_series."interval",
        ranked.base_asset,
        ranked.quote_asset,
        case
            when ranked.venue_symbol is null then 'the venue''s metadata do not have the symbol'
            when ranked.instrument_type <> 'SPOT' then 'not traded on a spot market: ' || ranked.instrument_type
            when ranked.base_asset is null or ranked.quote_asset is null
                then 'the venue''s metadata do not say its assets'
            when ranked.assets_rank > 1 then 'another symbol of the venue has the same assets'
        end as left_out
    from loaded_series
    left join ranked using (venue, venue_symbol)
    where loaded_series.venue_symbol is not null and loaded_series."interval" is not null
),

named as (
    select
        venue,
        venue_symbol,
        "interval",
        case when left_out is null then base_asset || '-' || quote_asset end as symbol,
        base_asset,
        quote_asset,
        left_out
    from judged
)

select * from named
