{{ config(
    pre_hook=[
        "{{ delete_touched(touched_keys(ref('stg_binance__open_interest'), open_interest_key()), open_interest_key()) }}",
        "{{ delete_revised('open_interest') }}",
    ],
    post_hook="{{ record_staged_loads(ref('stg_binance__open_interest'), 'open_interest') }}",
) }}

with
newest as (
    select *
    from {{ newest_rows(
        ref("stg_binance__open_interest"), "open_interest", open_interest_key(),
        "open_interest desc, open_interest_value desc, source"
    ) }}
),

typed as (
    select
        symbol,
        period,
        open_interest_time,
        open_interest,
        open_interest_value,
        source,
        _dlt_load_id
    from newest
)

select * from typed
