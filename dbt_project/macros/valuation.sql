{# What balances are valued at: prices of spot pairs, and which snapshots a build has to value. #}


{# The assets that a value may be reckoned through, the best first. #}
{% macro bridge_assets() %}
    {{ return(["BTC", "ETH", "BNB", "USDC", "FDUSD"]) }}
{% endmacro %}


{# The place of a bridge among them; null for another asset. #}
{% macro rank_of_bridge(asset) -%}
    case {{ asset }}
        {%- for bridge in bridge_assets() %}
        when '{{ bridge }}' then {{ loop.index }}
        {%- endfor %}
    end
{%- endmacro %}


{# The spot symbols that lead from an asset of the account, or from a bridge, to USDT or to a bridge. #}
{% macro valuation_pairs() %}
    {%- set targets = "('" ~ (["USDT"] + bridge_assets()) | join("', '") ~ "')" %}
    {%- set held %}
        select asset from {{ ref("stg_binance__account_balances") }}
        where free > 0 or locked > 0
    {%- endset %}
    select
        'binance' as venue,
        symbol as venue_symbol,
        base_asset || '-' || quote_asset as symbol
    from {{ ref("stg_binance__symbols") }}
    where
        market = 'spot'
        and (
            {%- for asset, target in [("base_asset", "quote_asset"), ("quote_asset", "base_asset")] %}
            {{ "or " if not loop.first }}(
                {{ target }} in {{ targets }}
                and ({{ asset }} in {{ targets }} or {{ asset }} in ({{ held }}))
            )
            {%- endfor %}
        )
        and exists ({{ held }})
{% endmacro %}


{#
    The snapshots that came with new loads, and those within whose reach a price came anew or went: looked for in one
    stretch from the first to the last of these. All where pairs have changed.
#}
{% macro touched_snapshots() %}
    {%- set klines_mark = dataset_mark("klines") %}
    {%- set balances = ref("stg_binance__account_balances") %}
    select distinct snapshot_time
    from {{ balances }}
    where {{ is_new_load(mark=dataset_mark("account_balances")) }}
    {%- if are_pairs_changed(valuation_pairs()) %}
        or true
    {%- elif is_incremental() %}
    union
    select distinct balances.snapshot_time
    from {{ balances }} as balances
    inner join (
        select
            min(since) as since,
            max(until) as until
        from (
            {%- for model in ["klines", "rejected_klines"] %}
            select
                open_time as since,
                greatest(open_time, close_time) as until
            from {{ ref(model) }}
            where market = 'spot' and {{ is_new_load(mark=klines_mark) }}
            union all
            {%- endfor %}
            {%- if revised_bounds("klines", klines_mark) %}
            select
                period_start as since,
                period_end + interval '31 days' as until
            from ({{ revised_files("klines", klines_mark) }})
            union all
            {%- endif %}
            select
                snapshot_time as since,
                snapshot_time as until
            from {{ ref("stg_binance__tickers_24h") }}
            where market = 'spot' and {{ is_new_load(mark=dataset_mark("tickers_24h")) }}
        )
    ) as prices
        on
            balances.snapshot_time >= prices.since
            and balances.snapshot_time <= prices.until + interval '{{ var("longest_price_age_days") }} days'
    {%- endif %}
{% endmacro %}


{#
    For each snapshot and pair the newest price before it.

    prices: a CTE with symbol, price_time and price, one row a symbol and time.
#}
{% macro newest_prices(prices) %}
    select
        wanted.snapshot_time,
        wanted.venue_symbol,
        {{ prices }}.price,
        {{ prices }}.price_time
    from wanted
    asof inner join {{ prices }}
        on wanted.venue_symbol = {{ prices }}.symbol and wanted.snapshot_time >= {{ prices }}.price_time
    where {{ prices }}.price_time >= wanted.snapshot_time - interval '{{ var("longest_price_age_days") }} days'
{% endmacro %}


{# Bounds on a time that hold all prices which touched snapshots may be valued at. #}
{% macro within_reach_of_snapshots(time) -%}
    {{ is_within_bounds(
        time, "touched_snapshots",
        "snapshot_time - interval '" ~ var("longest_price_age_days") ~ " days'",
        "snapshot_time + interval '1 microsecond'"
    ) }}
{%- endmacro %}
