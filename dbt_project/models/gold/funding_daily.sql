{{ config(
    pre_hook="{{ delete_touched(touched_funding_days(ref('funding_rates')), ['symbol', 'day']) }}",
    post_hook="{{ record_upstream_loads(['funding_rates']) }}",
) }}

-- depends_on: {{ ref("stg_binance__archive_files") }}

with
{% if is_incremental() %}
touched_days as (
    {{ touched_funding_days(ref("funding_rates")) }}
),

{% endif %}
funding_rates as (
    select
        *,
        {{ window_start("funding_time", interval_seconds("1d")) }} as day
    from {{ ref("funding_rates") }}
),

rates_of_touched_days as (
    select funding_rates.*
    from funding_rates
    {%- if is_incremental() %}
    semi join touched_days using (symbol, day)
    where {{ is_within_bounds("funding_rates.funding_time", "touched_days", "day", "day + interval '1 day'") }}
    {%- endif %}
),

summed as (
    select
        symbol,
        day,
        sum(funding_rate) as funding_rate_sum,
        count(*) as settlements,
        count(interval_hours) as timed_settlements,
        sum(funding_rate) filter (where interval_hours is not null) as timed_rate_sum,
        sum(interval_hours order by funding_time) as hours_covered,
        max(funding_time) as last_funding_time,
        arg_max(funding_rate, funding_time) as last_funding_rate,
        arg_max_null(mark_price, funding_time) as last_mark_price,
        max(_dlt_load_id) as _dlt_load_id
    from rates_of_touched_days
    group by symbol, day
),

measured as (
    select
        symbol,
        day,
        cast(funding_rate_sum as decimal(38, 8)) as funding_rate_sum,
        settlements,
        hours_covered,
        hours_covered / timed_settlements as mean_interval_hours,
        cast(timed_rate_sum as double) * 24 * 365 / nullif(hours_covered, 0) as funding_rate_annualised,
        last_funding_time,
        last_funding_rate,
        last_mark_price,
        _dlt_load_id
    from summed
)

select * from measured
