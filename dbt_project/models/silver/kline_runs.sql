{{ config(
    pre_hook="{{ delete_touched(touched_run_days(), ['market', 'symbol', '\"interval\"', 'day']) }}",
    post_hook="{{ record_upstream_loads(['klines', 'rejected_klines']) }}",
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
klines as (
    select * from {{ ref("klines") }}
),

{% if is_incremental() %}
touched_days as (
    {{ touched_run_days() }}
),

{% endif %}
-- A candle off the grid makes the slot that it opens in present, so that two candles can be in one slot:
-- within the longest one, up to a month after the beginning of its day.
slots as (
    select
        market,
        symbol,
        "interval",
        {{ slot_of("open_time") }} as slot,
        {{ window_start(slot_start("slot"), interval_seconds("1d")) }} as day,
        source = 'rest' as is_rest,
        _dlt_load_id
    from klines
    {{ within_touched_days("open_time", longest="31 days") }}
),

slots_of_touched_days as (
    select * from slots
    {%- if is_incremental() %}
    semi join touched_days using (market, symbol, "interval", day)
    {%- endif %}
),

-- Within a run, a slot less its rank among the day's slots is the same.
ranked as (
    select
        *,
        slot - dense_rank() over (partition by market, symbol, "interval", day order by slot) as run
    from slots_of_touched_days
),

runs as (
    select
        market,
        symbol,
        "interval",
        day,
        min(slot) as first_slot,
        max(slot) + 1 as end_slot,
        bool_or(is_rest) as is_from_rest,
        max(_dlt_load_id) as _dlt_load_id
    from ranked
    group by market, symbol, "interval", day, run
),

timed as (
    select
        market,
        symbol,
        "interval",
        day,
        {{ slot_start("first_slot") }} as run_start,
        {{ slot_start("end_slot") }} as run_end,
        end_slot - first_slot as slot_count,
        is_from_rest,
        _dlt_load_id
    from runs
)

select * from timed
