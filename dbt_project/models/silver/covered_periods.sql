{{ config(materialized="table") }}

with
series_periods as (
    select * from {{ ref("stg_binance__series_periods") }}
),

trade_runs as (
    select * from {{ ref("trade_runs") }}
),

recorded as (
    select
        market,
        dataset,
        symbol,
        "interval",
        period_start,
        period_end
    from series_periods
    where state = 'covered' and period_start < period_end
),

-- Loads of older versions have recorded nothing: there, consecutive trade ids prove what is whole.
runs_without_record as (
    select trade_runs.*
    from trade_runs
    anti join series_periods using (market, dataset, symbol)
),

trade_ids as (
    select
        market,
        dataset,
        symbol,
        first_time,
        last_time,
        case dataset when 'agg_trades' then first_trade_id else first_id end as first_id,
        case dataset when 'agg_trades' then last_trade_id else last_id end as last_id
    from runs_without_record
),

joined as (
    select
        *,
        first_id = lag(last_id) over (partition by market, dataset, symbol order by first_id) + 1 as follows
    from trade_ids
),

numbered as (
    select
        *,
        count_if(follows is distinct from true) over (partition by market, dataset, symbol order by first_id) as stretch
    from joined
),

-- Of the minutes of the first and the last id it is not known whether they are whole.
proven as (
    select
        market,
        dataset,
        symbol,
        cast(null as text) as "interval",
        {{ window_start("min(first_time)", interval_seconds("1m")) }} + interval '60 seconds' as period_start,
        {{ window_start("max(last_time)", interval_seconds("1m")) }} as period_end
    from numbered
    group by market, dataset, symbol, stretch
),

covered as (
    select * from recorded
    union all
    select * from proven
    where period_start < period_end
)

select * from covered
