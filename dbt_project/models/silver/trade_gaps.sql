{{ config(materialized="table") }}

{%- set series = ["dataset", "market", "symbol"] %}

with
trade_runs as (
    select * from {{ ref("trade_runs") }}
),

series_periods as (
    select * from {{ ref("stg_binance__series_periods") }}
    where dataset in ('agg_trades', 'trades')
),

gap_checks as (
    select * from {{ ref("stg_binance__gap_checks") }}
    where dataset in ('agg_trades', 'trades')
),

-- What follows upon each other, midnights and holes in the days' order included, with the rows at both ends.
neighbours as (
    select
        *,
        lag(last_id) over by_id as id_before,
        lag(last_time) over by_id as time_before,
        lag(last_trade_id) over by_id as trade_id_before
    from trade_runs
    window by_id as (partition by dataset, market, symbol order by first_id)
),

holes as (
    select
        dataset,
        market,
        symbol,
        id_before + 1 as first_slot,
        first_id as end_slot,
        time_before,
        first_time as time_after,
        trade_id_before + 1 = first_trade_id as is_joined_by_trade_ids
    from neighbours
    where first_id > id_before + 1
),

-- A hole between two periods is nothing that was asked for; one within a period is, whether it was answered or not.
asked_holes as (
    select holes.* from holes
    semi join series_periods
        on
            holes.dataset = series_periods.dataset
            and holes.market = series_periods.market
            and holes.symbol = series_periods.symbol
            and series_periods.state = 'asked'
            and holes.time_before >= series_periods.period_start
            and holes.time_after < series_periods.period_end
    union all
    -- What was loaded before the pipeline said what it asked for.
    select holes.* from holes
    anti join series_periods using (dataset, market, symbol)
),

stretches as (
    {{ joined_runs(
        "(select dataset, market, symbol, first_id as first_slot, last_id + 1 as end_slot from trade_runs)",
        series, "first_slot", "end_slot"
    ) }}
),

ranges as (
    select
        dataset,
        market,
        symbol,
        first_slot,
        end_slot,
        'asked' as kind
    from asked_holes
    union all
    select
        dataset,
        market,
        symbol,
        first_id as first_slot,
        end_id as end_slot,
        'covered' as kind
    from series_periods
    where state = 'covered'
    union all
    select
        *,
        'present' as kind
    from stretches
),

missing as (
    select
        dataset,
        market,
        symbol,
        first_slot,
        end_slot,
        covered > 0 as is_covered
    from ({{ pieces_of("ranges", series, ["asked", "covered", "present"]) }})
    where present = 0
),

checks as (
    select
        dataset,
        market,
        symbol,
        first_id as first_slot,
        last_id + 1 as end_slot,
        source,
        outcome,
        checked_at
    from gap_checks
),

standing_checks as (
    {{ standing_checks("checks", series) }}
),

boundaries as (
    select
        dataset,
        market,
        symbol,
        unnest([first_slot, end_slot]) as slot
    from standing_checks
),

cut as (
    {{ cut_at("missing", "boundaries", series) }}
),

checked as (
    {{ with_checks("cut", "standing_checks", series) }}
),

spans as (
    select
        dataset,
        market,
        symbol,
        min(first_id) as first_id,
        arg_min(first_time, first_id) as first_time,
        max(last_id) as last_id,
        arg_max(last_time, last_id) as last_time
    from trade_runs
    group by dataset, market, symbol
),

-- Before the first row and after the last one there is no hole: one of the times is not known.
placed as (
    select
        checked.*,
        holes.is_joined_by_trade_ids,
        case when checked.first_slot > spans.last_id then spans.last_time else holes.time_before end as time_before,
        case when checked.end_slot <= spans.first_id then spans.first_time else holes.time_after end as time_after
    from checked
    left join spans using (dataset, market, symbol)
    left join holes
        on
            checked.dataset = holes.dataset
            and checked.market = holes.market
            and checked.symbol = holes.symbol
            and checked.first_slot >= holes.first_slot
            and checked.end_slot <= holes.end_slot
),

explained as (
    select
        *,
        case
            when is_joined_by_trade_ids then 'removed_by_exchange'
            when is_confirmed then 'confirmed_upstream'
            else 'unexplained'
        end as status,
        case
            when is_joined_by_trade_ids then 'the trades before and after follow each other: nothing was traded in it'
            when is_confirmed then 'REST and the archive have nothing of it'
            when not is_covered then 'never answered: not covered'
            else 'answered without it'
        end as ground
    from placed
),

gaps as (
    {{ gaps_of_one_ground("explained", series, ["time_before", "time_after"]) }}
),

described as (
    select
        market,
        dataset,
        symbol,
        first_slot as first_missing_id,
        end_slot - 1 as last_missing_id,
        end_slot - first_slot as missing_count,
        time_before,
        time_after,
        status,
        {{ gap_reason() }} as reason,
        rest_checks,
        archive_checks,
        first_checked_at,
        last_checked_at
    from gaps
)

select * from described
