{# Funding, open interest and basis of USD-M futures: which days a build has to look at. #}


{% macro open_interest_key() %}
    {{ return(["symbol", "period", "open_interest_time"]) }}
{% endmacro %}


{# How many samples of open interest a whole day has, by the column period. #}
{% macro samples_a_day() -%}
    case period
        {%- for period in ["5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d"] %}
        when '{{ period }}' then cast({{ interval_seconds("1d") // interval_seconds(period) }} as bigint)
        {%- endfor %}
    end
{%- endmacro %}


{#
    The days of the settlements that came with new loads, and the days after them, whose first settlement has its interval
    from the one before.
#}
{% macro touched_funding_days(rows) %}
    select distinct
        symbol,
        unnest([day, day + interval '1 day']) as day
    from (
        select
            symbol,
            {{ window_start("funding_time", interval_seconds("1d")) }} as day
        from (
            select
                symbol,
                funding_time
            from {{ rows }}
            where {{ is_new_load() }}
            {{- or_days_of_revised_files("funding_rates", ["symbol"], "funding_time") }}
        )
    )
{% endmacro %}


{# The keys of the model's settlements on touched days. #}
{% macro funding_rates_to_rebuild() %}
    select
        stored.symbol,
        stored.funding_time
    from {{ this }} as stored
    inner join ({{ touched_funding_days(ref("stg_binance__funding_rates")) }}) as touched
        on
            stored.symbol = touched.symbol
            and {{ window_start("stored.funding_time", interval_seconds("1d")) }} = touched.day
{% endmacro %}


{# The days of the samples of open interest that came with new loads. #}
{% macro touched_open_interest_days() %}
    select distinct
        symbol,
        {{ window_start("open_interest_time", interval_seconds("1d")) }} as day
    from (
        select
            symbol,
            open_interest_time
        from {{ ref("open_interest") }}
        where {{ is_new_load() }}
        {{- or_days_of_revised_files("open_interest", ["symbol"], "open_interest_time") }}
    )
{% endmacro %}


{#
    The spot symbol of the same base and quote asset of each USD-M contract that has one. Contracts of a thousand units,
    such as 1000SHIBUSDT, have a base asset of their own, and none.
#}
{% macro spot_partners() %}
    select
        'binance' as venue,
        contracts.symbol as venue_symbol,
        min(spot.symbol) as symbol
    from {{ ref("stg_binance__symbols") }} as contracts
    inner join {{ ref("stg_binance__symbols") }} as spot using (base_asset, quote_asset)
    where contracts.market = 'um' and spot.market = 'spot'
    group by contracts.symbol
{% endmacro %}


{# The days in which the mark price or the spot price of a contract came anew, or its spot symbol is another one now. #}
{% macro touched_basis_days() %}
    select distinct
        symbol,
        {{ window_start("open_time", interval_seconds("1d")) }} as day
    from (
        select
            symbol,
            open_time
        from {{ ref("stg_binance__mark_price_klines") }}
        where {{ is_new_load(mark=dataset_mark("mark_price_klines")) }}
        {{- or_days_of_revised_files(
            "mark_price_klines", ["symbol"], "open_time", dataset_mark("mark_price_klines")
        ) }}
        union all
        select
            partners.venue_symbol as symbol,
            spot.open_time
        from (
            {%- for model in ["klines", "rejected_klines"] %}
            select
                market,
                symbol,
                open_time
            from {{ ref(model) }}
            where {{ is_new_load(mark=dataset_mark("klines")) }}
            {{ "union all" if not loop.last }}
            {%- endfor %}
            {{- or_days_of_revised_files("klines", ["market", "symbol"], "open_time", dataset_mark("klines")) }}
        ) as spot
        inner join ({{ spot_partners() }}) as partners using (symbol)
        where spot.market = 'spot'
        {%- if are_pairs_changed(spot_partners()) %}
        union all
        select
            candles.symbol,
            candles.open_time
        from (
            select
                symbol,
                open_time
            from {{ ref("stg_binance__mark_price_klines") }}
            union all
            select
                symbol,
                day as open_time
            from {{ this }}
        ) as candles
        semi join ({{ changed_pairs(spot_partners()) }}) as changed on candles.symbol = changed.venue_symbol
        {%- endif %}
    )
    where open_time is not null
{% endmacro %}
