{{ config(
    pre_hook="{{ delete_touched(touched_open_interest_days(), ['symbol', 'day']) }}",
    post_hook="{{ record_upstream_loads(['open_interest']) }}",
) }}

-- depends_on: {{ ref("stg_binance__archive_files") }}

with
{% if is_incremental() %}
touched_days as (
    {{ touched_open_interest_days() }}
),

{% endif %}
open_interest as (
    select
        *,
        {{ window_start("open_interest_time", interval_seconds("1d")) }} as day,
        {{ samples_a_day() }} as samples_expected
    from {{ ref("open_interest") }}
),

samples_of_touched_days as (
    select open_interest.*
    from open_interest
    {%- if is_incremental() %}
    semi join touched_days using (symbol, day)
    where {{ is_within_bounds("open_interest.open_interest_time", "touched_days", "day", "day + interval '1 day'") }}
    {%- endif %}
),

finest_samples as (
    select * from samples_of_touched_days
    qualify samples_expected = max(samples_expected) over (partition by symbol, day)
),

days as (
    select
        symbol,
        day,
        period,
        {%- for column in ["open_interest", "open_interest_value"] %}
        arg_min({{ column }}, open_interest_time) as {{ column }}_open,
        max({{ column }}) as {{ column }}_high,
        min({{ column }}) as {{ column }}_low,
        arg_max({{ column }}, open_interest_time) as {{ column }}_close,
        {%- endfor %}
        count(*) as samples_present,
        max(samples_expected) as samples_expected,
        max(_dlt_load_id) as _dlt_load_id
    from finest_samples
    group by symbol, day, period
),

measured as (
    select
        symbol,
        day,
        period,
        open_interest_open,
        open_interest_high,
        open_interest_low,
        open_interest_close,
        open_interest_value_open,
        open_interest_value_high,
        open_interest_value_low,
        open_interest_value_close,
        open_interest_close - open_interest_open as open_interest_change,
        cast(open_interest_close as double) / nullif(cast(open_interest_open as double), 0) - 1
            as open_interest_relative_change,
        samples_present,
        samples_expected,
        _dlt_load_id
    from days
)

select * from measured
