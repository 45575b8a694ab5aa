{{ config(
    pre_hook="{{ delete_touched(days_to_reconcile('agg_trades', 'agg_trade_minutes'), ['market', 'symbol', 'day']) }}",
    post_hook=[
        "{{ record_upstream_loads(['klines', 'rejected_klines']) }}",
        "{{ record_dataset_loads('agg_trades', 'agg_trade_minutes') }}",
        "{{ record_reconciled_periods(covered_periods('agg_trades')) }}",
    ],
) }}

-- depends_on: {{ ref("rejected_klines") }}
-- depends_on: {{ ref("stg_binance__archive_files") }}

with
klines as (
    select * from {{ ref("klines") }}
),

agg_trade_minutes as (
    select * from {{ ref("agg_trade_minutes") }}
),

covered_periods as (
    {{ covered_periods("agg_trades") }}
),

{% if is_incremental() %}
days_to_reconcile as (
    {{ days_to_reconcile("agg_trades", "agg_trade_minutes") }}
),

{% endif %}
pairs as (
    {{ pairs_of_minutes("klines", "agg_trade_minutes") }}
),

reconciled as (
    {{ reconciled_days("pairs", "klines_against_agg_trades") }}
)

select * from reconciled
