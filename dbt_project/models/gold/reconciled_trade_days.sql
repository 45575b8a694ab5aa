{{ config(
    pre_hook="{{ delete_touched(days_to_reconcile('trades', 'trade_minutes'), ['market', 'symbol', 'day']) }}",
    post_hook=[
        "{{ record_upstream_loads(['klines', 'rejected_klines']) }}",
        "{{ record_dataset_loads('trades', 'trade_minutes') }}",
        "{{ record_reconciled_periods(covered_periods('trades')) }}",
    ],
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
klines as (
    select * from {{ ref("klines") }}
),

trade_minutes as (
    select * from {{ ref("trade_minutes") }}
),

covered_periods as (
    {{ covered_periods("trades") }}
),

{% if is_incremental() %}
days_to_reconcile as (
    {{ days_to_reconcile("trades", "trade_minutes") }}
),

{% endif %}
pairs as (
    {{ pairs_of_minutes("klines", "trade_minutes") }}
),

reconciled as (
    {{ reconciled_days("pairs", "klines_against_trades") }}
)

select * from reconciled
