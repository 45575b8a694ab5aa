{{ config(materialized="table") }}

with
reconciled_days as (
    {{ all_reconciled_days() }}
),

archive_files as (
    select * from {{ ref("stg_binance__archive_files") }}
    where status in ('loaded', 'begun')
),

archive_disagreements as (
    select * from {{ ref("stg_binance__archive_disagreements") }}
),

samples as (
    select
        path,
        market,
        dataset,
        symbol,
        "interval",
        rows_compared,
        null as row_key,
        _dlt_load_id
    from archive_files
    union all
    select
        path,
        market,
        dataset,
        symbol,
        "interval",
        null as rows_compared,
        row_key,
        _dlt_load_id
    from archive_disagreements
),

-- Versions before the column rows_compared have left the differing rows alone.
sampled_files as (
    select
        path,
        market,
        dataset,
        symbol,
        "interval",
        max(rows_compared) as rows_compared,
        count(distinct row_key) as differing,
        max(_dlt_load_id) as _dlt_load_id
    from samples
    group by path, market, dataset, symbol, "interval"
    having max(rows_compared) > 0 or count(row_key) > 0
),

-- The file of a month and that of its first day begin on the same day.
sampled_days as (
    select
        {{ archive_check_name() }} as check_name,
        market,
        symbol,
        "interval",
        make_timestamptz(epoch_us(cast({{ first_day_of_file() }} as timestamp))) as day,
        cast(case when count(*) = count(rows_compared) then sum(rows_compared) end as bigint) as compared,
        cast(sum(differing) as bigint) as differing,
        max(_dlt_load_id) as _dlt_load_id
    from sampled_files
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
    select * from sampled_days
)

select * from summarised
