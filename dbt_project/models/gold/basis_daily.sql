{{ config(
    pre_hook="{{ take_out_touched(touched_basis_days(), ['symbol', 'day']) }}",
    post_hook=[
        "{{ record_staged_dataset('mark_price_klines', ref('stg_binance__mark_price_klines')) }}",
        "{{ record_dataset_loads('klines', ['klines', 'rejected_klines']) }}",
        "{{ record_newest_dataset_load() }}",
        "{{ record_pairs(spot_partners()) }}",
    ],
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
klines as (
    select * from {{ ref("klines") }}
    where market = 'spot'
),

spot_partners as (
    {{ spot_partners() }}
),

{% if is_incremental() %}
touched_days as (
    select * from {{ touched_table() }}
),

{% endif %}
staged as (
    select
        *,
        {{ window_start("open_time", interval_seconds("1d")) }} as day,
        {{ regular_close_time() }} - open_time as length
    from {{ ref("stg_binance__mark_price_klines") }}
),

current_rows as (
    select staged.*
    from staged
    {{ without_replaced_rows("staged") }}
    {%- if is_incremental() %}
    semi join touched_days using (symbol, day)
    where {{ is_within_bounds("staged.open_time", "touched_days", "day", "day + interval '1 day'") }}
    {%- endif %}
),

mark_prices as (
    select *
    from {{ newest_of(
        "select * from current_rows", ["symbol", '"interval"', "open_time"],
        "close_time desc, close, open, high, low, source"
    ) }}
),

spot_prices as (
    select
        symbol,
        "interval",
        open_time,
        close,
        _dlt_load_id
    from klines
    {%- if is_incremental() %}
    where {{ is_within_bounds("open_time", "touched_days", "day", "day + interval '1 day'") }}
    {%- endif %}
),

pairs as (
    select
        mark_prices.symbol,
        mark_prices.day,
        mark_prices."interval",
        mark_prices.open_time,
        spot_prices.symbol as spot_symbol,
        mark_prices.close as mark_close,
        spot_prices.close as spot_close,
        mark_prices.close - spot_prices.close as basis,
        cast(mark_prices.close - spot_prices.close as double) / cast(spot_prices.close as double) * 10000 as basis_bps,
        mark_prices.length,
        greatest(mark_prices._dlt_load_id, spot_prices._dlt_load_id) as _dlt_load_id
    from mark_prices
    inner join spot_partners on mark_prices.symbol = spot_partners.venue_symbol
    inner join spot_prices
        on
            spot_partners.symbol = spot_prices.symbol
            and mark_prices."interval" = spot_prices."interval"
            and mark_prices.open_time = spot_prices.open_time
),

finest_pairs as (
    select * from pairs
    qualify length = min(length) over (partition by symbol, day)
),

days as (
    select
        symbol,
        day,
        spot_symbol,
        "interval",
        count(*) as samples,
        max(open_time) as last_open_time,
        arg_max(mark_close, open_time) as mark_close,
        arg_max(spot_close, open_time) as spot_close,
        arg_max(basis, open_time) as basis,
        sum(basis) as basis_sum,
        min(basis) as basis_min,
        max(basis) as basis_max,
        arg_max(basis_bps, open_time) as basis_bps,
        avg(basis_bps order by open_time) as basis_bps_mean,
        min(basis_bps) as basis_bps_min,
        max(basis_bps) as basis_bps_max,
        max(_dlt_load_id) as _dlt_load_id
    from finest_pairs
    group by symbol, day, spot_symbol, "interval"
),

measured as (
    select
        symbol,
        day,
        spot_symbol,
        "interval",
        samples,
        last_open_time,
        mark_close,
        spot_close,
        cast(basis as decimal(28, 8)) as basis,
        cast(basis_sum as double) / samples as basis_mean,
        cast(basis_min as decimal(28, 8)) as basis_min,
        cast(basis_max as decimal(28, 8)) as basis_max,
        basis_bps,
        basis_bps_mean,
        basis_bps_min,
        basis_bps_max,
        _dlt_load_id
    from days
)

select * from measured
