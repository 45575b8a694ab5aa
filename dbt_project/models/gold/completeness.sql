{{ config(materialized="table") }}

with
kline_runs as (
    select * from {{ ref("kline_runs") }}
),

kline_gaps as (
    select * from {{ ref("kline_gaps") }}
),

present as (
    select
        market,
        symbol,
        "interval",
        day,
        slot_count as present,
        0 as explained,
        0 as unexplained
    from kline_runs
),

-- A candle is not expected before the listing, nor after the delisting.
gap_days as (
    select
        *,
        unnest(
            generate_series(
                {{ window_start("gap_start", interval_seconds("1d")) }},
                gap_end - interval '1 microsecond',
                interval '1 day'
            )
        ) as day
    from kline_gaps
    where status not in ('not_listed', 'delisted')
),

missing as (
    select
        market,
        symbol,
        "interval",
        day,
        status,
        least({{ slot_of("gap_end") }}, {{ first_slot_from("(day + interval '1 day')") }})
        - greatest({{ slot_of("gap_start") }}, {{ first_slot_from("day") }}) as missing_count
    from gap_days
),

counted as (
    select * from present
    union all
    select
        market,
        symbol,
        "interval",
        day,
        0 as present,
        case when status = 'unexplained' then 0 else missing_count end as explained,
        case when status = 'unexplained' then missing_count else 0 end as unexplained
    from missing
    -- Most days of an interval longer than a day begin no candle.
    where missing_count > 0
),

days as (
    select
        market,
        symbol,
        "interval",
        day,
        cast(sum(present) as bigint) as present,
        cast(sum(explained) as bigint) as explained,
        cast(sum(unexplained) as bigint) as unexplained
    from counted
    group by market, symbol, "interval", day
),

measured as (
    select
        market,
        symbol,
        "interval",
        day,
        present + explained + unexplained as expected,
        present,
        explained,
        unexplained,
        cast(present / (present + explained + unexplained) as double) as completeness,
        unexplained = 0 as is_complete
    from days
)

select * from measured
