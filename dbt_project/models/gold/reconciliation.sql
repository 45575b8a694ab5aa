{{ config(materialized="table") }}

with
reconciled_days as (
    {{ all_reconciled_days() }}
),

archive_disagreements as (
    select * from {{ ref("stg_binance__archive_disagreements") }}
),

candle_differences as (
    select
        check_name,
        market,
        symbol,
        "interval",
        right_source,
        _dlt_load_id,
        unnest(differences) as difference
    from reconciled_days
    where differing > 0
),

differences as (
    select
        check_name,
        market,
        symbol,
        "interval",
        difference['open_time'] as open_time,
        cast(null as bigint) as row_key,
        difference['column_name'] as column_name,
        'klines' as left_source,
        difference['left_value'] as left_value,
        right_source,
        difference['right_value'] as right_value,
        _dlt_load_id
    from candle_differences
    union all
    select
        {{ archive_check_name() }} as check_name,
        market,
        symbol,
        "interval",
        case when dataset = 'klines' then make_timestamptz(row_key * 1000) end as open_time,
        row_key,
        column_name,
        path as left_source,
        {{ as_number("archive_value") }} as left_value,
        other_source as right_source,
        {{ as_number("other_value") }} as right_value,
        _dlt_load_id
    from archive_disagreements
),

measured as (
    select
        check_name,
        market,
        symbol,
        "interval",
        open_time,
        row_key,
        column_name,
        left_source,
        left_value,
        right_source,
        right_value,
        cast(left_value - right_value as decimal(38, 8)) as difference,
        _dlt_load_id
    from differences
)

select * from measured
