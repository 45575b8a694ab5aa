{{ config(
    pre_hook="{{ delete_touched(funding_rates_to_rebuild(), ['symbol', 'funding_time']) }}",
    post_hook="{{ record_staged_loads(ref('stg_binance__funding_rates'), 'funding_rates') }}",
) }}

with
{% if is_incremental() %}
touched_days as (
    {{ touched_funding_days(ref("stg_binance__funding_rates")) }}
),

{% endif %}
staged as (
    select
        *,
        {{ window_start("funding_time", interval_seconds("1d")) }} as day
    from {{ ref("stg_binance__funding_rates") }}
),

current_rows as (
    select staged.*
    from staged
    {{ without_replaced_rows("staged") }}
    {%- if is_incremental() %}
    semi join touched_days
        on
            staged.symbol = touched_days.symbol
            and staged.day between touched_days.day - interval '1 day' and touched_days.day
    where {{ is_within_bounds(
        "staged.funding_time", "touched_days",
        "touched_days.day - interval '1 day'", "touched_days.day + interval '1 day'"
    ) }}
    {%- endif %}
),

newest as (
    select *
    from {{ newest_of(
        "select * from current_rows", ["symbol", "funding_time"],
        "funding_interval_hours desc, mark_price desc, funding_rate, rate_type, source"
    ) }}
),

-- To the minute, so that a second's jitter is no part of an hour.
timed as (
    select
        *,
        round((epoch(funding_time) - epoch(lag(funding_time) over by_time)) / 60) / 60 as hours_since_previous
    from newest
    window by_time as (partition by symbol order by funding_time)
),

measured as (
    select
        symbol,
        funding_time,
        funding_rate,
        mark_price,
        case
            when hours_since_previous <= 24 then hours_since_previous
            else cast(funding_interval_hours as double)
        end as interval_hours,
        rate_type,
        source,
        _dlt_load_id
    from timed
    {%- if is_incremental() %}
    semi join touched_days using (symbol, day)
    {%- endif %}
)

select * from measured
