{{ config(
    incremental_strategy="replace",
    post_hook="{{ record_upstream_loads(['klines', 'rejected_klines']) }}",
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
symbols as (
    select * from {{ ref("stg_binance__symbols") }}
),

connected_symbols as (
    select * from {{ ref("stg_venues__connected_symbols") }}
    where venue = 'binance'
),

klines as (
    select * from {{ ref("klines") }}
),

tickers as (
    select * from {{ ref("stg_binance__tickers_24h") }}
),

{% if is_incremental() %}
rejected_klines as (
    select * from {{ ref("rejected_klines") }}
),

revised_files as (
    {{ revised_files("klines") }}
),

-- A kline that was rejected or left out may have been the first or the last: these symbols are looked at anew.
resurveyed_symbols as (
    select
        market,
        symbol
    from rejected_klines
    where {{ is_new_load() }}
    union
    select
        market,
        symbol
    from revised_files
),

{% endif %}
surveyed_klines as (
    select
        market,
        symbol,
        open_time as first_kline_open_time,
        open_time as last_kline_open_time
    from klines
    where {{ is_new_load() }}
    {%- if is_incremental() %}
    union all
    select
        klines.market,
        klines.symbol,
        klines.open_time as first_kline_open_time,
        klines.open_time as last_kline_open_time
    from klines
    semi join resurveyed_symbols using (market, symbol)
    union all
    select
        earlier.market,
        earlier.symbol,
        earlier.first_kline_open_time,
        earlier.last_kline_open_time
    from {{ this }} as earlier
    anti join resurveyed_symbols using (market, symbol)
    where earlier.first_kline_open_time is not null
    {%- endif %}
),

kline_spans as (
    select
        market,
        symbol,
        min(first_kline_open_time) as first_kline_open_time,
        max(last_kline_open_time) as last_kline_open_time
    from surveyed_klines
    group by market, symbol
),

spot_partners as (
    {{ spot_partners() }}
),

latest_tickers as (
    select * from tickers
    qualify row_number() over (partition by market, symbol order by snapshot_time desc, _dlt_load_id desc) = 1
),

known_symbols as (
    select
        market,
        symbol
    from symbols
    union
    select
        market,
        symbol
    from kline_spans
    union
    select
        market,
        symbol
    from latest_tickers
),

described as (
    select
        known_symbols.market,
        known_symbols.symbol,
        symbols.status,
        coalesce(nullif(symbols.base_asset, ''), connected_symbols.base_asset) as base_asset,
        coalesce(nullif(symbols.quote_asset, ''), connected_symbols.quote_asset) as quote_asset,
        symbols.base_asset_precision,
        symbols.quote_asset_precision,
        symbols.tick_size,
        symbols.min_price,
        symbols.max_price,
        symbols.step_size,
        symbols.min_quantity,
        symbols.max_quantity,
        symbols.min_notional,
        symbols.is_spot_trading_allowed,
        symbols.is_margin_trading_allowed,
        symbols.order_types,
        symbols.permission_sets,
        symbols.contract_type,
        symbols.pair,
        symbols.margin_asset,
        symbols.onboard_time,
        symbols.delivery_time,
        spot_partners.symbol as spot_symbol,
        symbols.updated_at,
        kline_spans.first_kline_open_time,
        kline_spans.last_kline_open_time,
        latest_tickers.snapshot_time as ticker_time,
        latest_tickers.last_price,
        latest_tickers.price_change_percent as price_change_percent_24h,
        latest_tickers.high_price as high_24h,
        latest_tickers.low_price as low_24h,
        latest_tickers.volume as volume_24h,
        latest_tickers.quote_volume as quote_volume_24h,
        latest_tickers.count as trade_count_24h,
        latest_tickers.bid_price,
        latest_tickers.ask_price
    from known_symbols
    left join symbols using (market, symbol)
    left join connected_symbols using (market, symbol)
    left join kline_spans using (market, symbol)
    left join latest_tickers using (market, symbol)
    left join spot_partners on known_symbols.market = 'um' and known_symbols.symbol = spot_partners.venue_symbol
)

select * from described
