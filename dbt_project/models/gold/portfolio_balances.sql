{{ config(
    pre_hook="{{ take_out_touched(touched_snapshots(), ['snapshot_time']) }}",
    post_hook=[
        "{{ record_staged_dataset('account_balances', ref('stg_binance__account_balances')) }}",
        "{{ record_staged_dataset('tickers_24h', ref('stg_binance__tickers_24h')) }}",
        "{{ record_dataset_loads('klines', ['klines', 'rejected_klines']) }}",
        "{{ record_pairs(valuation_pairs()) }}",
    ],
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
klines as (
    select * from {{ ref("klines") }}
),

tickers as (
    select * from {{ ref("stg_binance__tickers_24h") }}
),

symbols as (
    select * from {{ ref("stg_binance__symbols") }}
    where market = 'spot'
),

touched_snapshots as (
    {{ "select * from " ~ touched_table() if is_incremental() else touched_snapshots() }}
),

staged as (
    select balances.*
    from {{ ref("stg_binance__account_balances") }} as balances
    semi join touched_snapshots using (snapshot_time)
),

balances as (
    select *
    from {{ newest_of("select * from staged", ["snapshot_time", "asset"], "free desc, locked desc") }}
),

pairs as (
    {{ valuation_pairs() }}
),

wanted as (
    select
        touched_snapshots.snapshot_time,
        pairs.venue_symbol
    from touched_snapshots
    cross join pairs
),

-- The close of the shortest candle, where several end at the same time.
closes as (
    select
        klines.symbol,
        klines.close_time as price_time,
        arg_min(klines.close, (klines.close_time - klines.open_time, klines."interval")) as price
    from klines
    semi join pairs on klines.symbol = pairs.venue_symbol
    where klines.market = 'spot' and {{ within_reach_of_snapshots("klines.close_time") }}
    group by klines.symbol, klines.close_time
),

last_prices as (
    select
        tickers.symbol,
        tickers.snapshot_time as price_time,
        arg_max(tickers.last_price, (tickers._dlt_load_id, tickers.last_price)) as price
    from tickers
    semi join pairs on tickers.symbol = pairs.venue_symbol
    where
        tickers.market = 'spot'
        and tickers.last_price > 0
        and {{ within_reach_of_snapshots("tickers.snapshot_time") }}
    group by tickers.symbol, tickers.snapshot_time
),

newest_closes as (
    {{ newest_prices("closes") }}
),

newest_last_prices as (
    {{ newest_prices("last_prices") }}
),

pair_prices as (
    select * from newest_closes
    union all
    select newest_last_prices.* from newest_last_prices
    anti join newest_closes using (snapshot_time, venue_symbol)
),

legs as (
    select
        pair_prices.snapshot_time,
        symbols.base_asset as from_asset,
        symbols.quote_asset as to_asset,
        cast(pair_prices.price as double) as price,
        pair_prices.venue_symbol as leg,
        pair_prices.price_time,
        false as is_inverse
    from pair_prices
    inner join symbols on pair_prices.venue_symbol = symbols.symbol
    union all
    select
        pair_prices.snapshot_time,
        symbols.quote_asset as from_asset,
        symbols.base_asset as to_asset,
        1 / cast(pair_prices.price as double) as price,
        '1/' || pair_prices.venue_symbol as leg,
        pair_prices.price_time,
        true as is_inverse
    from pair_prices
    inner join symbols on pair_prices.venue_symbol = symbols.symbol
),

paths as (
    select
        snapshot_time,
        'USDT' as asset,
        cast(1 as double) as price_usdt,
        'USDT' as price_path,
        snapshot_time as price_time,
        0 as legs,
        null as bridge,
        false as is_inverse
    from touched_snapshots
    union all
    select
        snapshot_time,
        from_asset as asset,
        price as price_usdt,
        leg as price_path,
        price_time,
        1 as legs,
        null as bridge,
        is_inverse
    from legs
    where to_asset = 'USDT' and from_asset <> 'USDT'
    union all
    select
        first_legs.snapshot_time,
        first_legs.from_asset as asset,
        first_legs.price * second_legs.price as price_usdt,
        first_legs.leg || ' * ' || second_legs.leg as price_path,
        least(first_legs.price_time, second_legs.price_time) as price_time,
        2 as legs,
        {{ rank_of_bridge("first_legs.to_asset") }} as bridge,
        first_legs.is_inverse
    from legs as first_legs
    inner join legs as second_legs
        on first_legs.snapshot_time = second_legs.snapshot_time and first_legs.to_asset = second_legs.from_asset
    where second_legs.to_asset = 'USDT' and first_legs.from_asset <> 'USDT' and bridge is not null
),

best_paths as (
    select * from paths
    qualify row_number() over (
        partition by snapshot_time, asset order by legs, bridge, is_inverse, price_path
    ) = 1
),

valued as (
    select
        balances.snapshot_time,
        balances.asset,
        balances.free,
        balances.locked,
        cast(balances.free + balances.locked as decimal(38, 8)) as total,
        best_paths.price_usdt,
        best_paths.price_path,
        best_paths.price_time,
        cast(total as double) * best_paths.price_usdt as value_usdt,
        balances._dlt_load_id
    from balances
    left join best_paths using (snapshot_time, asset)
),

weighed as (
    select
        snapshot_time,
        asset,
        free,
        locked,
        total,
        price_usdt,
        coalesce(price_path, 'unpriced') as price_path,
        price_time,
        value_usdt,
        value_usdt / nullif(sum(value_usdt) over by_asset, 0) as weight,
        _dlt_load_id
    from valued
    window
        by_asset as (
            partition by snapshot_time
            order by asset
            rows between unbounded preceding and unbounded following
        )
)

select * from weighed
