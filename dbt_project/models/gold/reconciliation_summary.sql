{{ config(materialized="view") }}

with
reconciled_days as (
    {{ all_reconciled_days() }}
),

archive_disagreements as (
    select * from {{ ref("stg_binance__archive_disagreements") }}
),

archive_samples as (
    select
        {{ archive_check_name() }} as check_name,
        market,
        symbol,
        "interval",
        make_timestamptz(epoch_us(cast({{ first_day_of_file() }} as timestamp))) as day,
        count(distinct row_key) as differing,
        max(_dlt_load_id) as _dlt_load_id
    from archive_disagreements
    group by all
),

summarised as (
    select
        check_name,
        market,
        symbol,
        "interval",
        day,
        compared,
        differing,
        _dlt_load_id
    from reconciled_days
    union all
    select
        check_name,
        market,
        symbol,
        "interval",
        day,
        null as compared,
        differing,
        _dlt_load_id
    from archive_samples
)

select * from summarised
