{{ config(
    pre_hook="{{ delete_touched(touched_trade_days(), ['dataset', 'market', 'symbol', 'day']) }}",
    post_hook=[
        "{{ record_dataset_loads('agg_trades', 'agg_trades') }}",
        "{{ record_dataset_loads('trades', 'trades') }}",
    ],
) }}

-- depends_on: {{ ref("stg_binance__archive_files") }}

with
agg_trades as (
    select * from {{ ref("agg_trades") }}
),

trades as (
    select * from {{ ref("trades") }}
),

{% if is_incremental() %}
touched_days as (
    {{ touched_trade_days() }}
),

{% endif %}
ids as (
    select
        'agg_trades' as dataset,
        market,
        symbol,
        {{ window_start("trade_time", interval_seconds("1d")) }} as day,
        agg_trade_id as id,
        trade_time,
        first_trade_id,
        last_trade_id,
        _dlt_load_id
    from agg_trades
    {{ within_touched_days("trade_time") }}
    union all
    select
        'trades' as dataset,
        market,
        symbol,
        {{ window_start("trade_time", interval_seconds("1d")) }} as day,
        trade_id as id,
        trade_time,
        null as first_trade_id,
        null as last_trade_id,
        _dlt_load_id
    from trades
    {{ within_touched_days("trade_time") }}
),

ids_of_touched_days as (
    select * from ids
    {%- if is_incremental() %}
    semi join touched_days using (dataset, market, symbol, day)
    {%- endif %}
),

-- Within a run, an id less its rank among the day's ids is the same.
ranked as (
    select
        *,
        id - row_number() over (partition by dataset, market, symbol, day order by id) as run
    from ids_of_touched_days
),

runs as (
    select
        dataset,
        market,
        symbol,
        day,
        min(id) as first_id,
        max(id) as last_id,
        arg_min(trade_time, id) as first_time,
        arg_max(trade_time, id) as last_time,
        arg_min(first_trade_id, id) as first_trade_id,
        arg_max(last_trade_id, id) as last_trade_id,
        max(_dlt_load_id) as _dlt_load_id
    from ranked
    group by dataset, market, symbol, day, run
)

select * from runs
