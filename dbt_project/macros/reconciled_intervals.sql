{# The exchange's own longer klines, which are compared with minutes rolled up. #}


{#
    The exchange's own intervals that minutes are compared with, and the candles each is rolled up from: the longest of
    1m and gold.ohlcv that divides it.
#}
{% macro reconciled_intervals() %}
    {{ return({
        "3m": "1m", "5m": "5m", "15m": "15m", "30m": "15m", "1h": "1h", "2h": "1h", "4h": "4h", "6h": "1h", "8h": "4h",
        "12h": "4h", "1d": "1d", "3d": "1d", "1w": "1d", "1M": "1d",
    }) }}
{% endmacro %}


{# The intervals whose windows hold several days. #}
{% macro multi_day_intervals() %}
    {{ return(["3d", "1w", "1M"]) }}
{% endmacro %}


{# The start of the window of an interval of the table above that holds a time. #}
{% macro interval_start(column, name) -%}
    {%- for interval in kline_intervals() if interval.name == name -%}
    {%- if interval.seconds is none -%}
    date_trunc('month', {{ column }})
    {%- else -%}
    {{ window_start(column ~ " - interval '" ~ interval.offset ~ " seconds'", interval.seconds) }}
    + interval '{{ interval.offset }} seconds'
    {%- endif -%}
    {%- endfor -%}
{%- endmacro %}


{# The end of the window that opens at open_time. #}
{% macro window_end() -%}
    case "interval"
        {%- for interval in kline_intervals() if interval.name in reconciled_intervals() %}
        {%- set length = interval.seconds ~ " seconds" if interval.seconds else "1 month" %}
        when '{{ interval.name }}' then open_time + interval '{{ length }}'
        {%- endfor %}
    end
{%- endmacro %}


{# Market, symbol, interval and day under which the exchange's own candles have to be compared with minutes. #}
{% macro rollup_days_to_reconcile() %}
    select distinct
        market,
        symbol,
        unnest(['{{ reconciled_intervals() | join("', '") }}']) as "interval",
        unnest([
            {%- for name in reconciled_intervals() %}
            {{ interval_start("day", name) if name in multi_day_intervals() else "day" }}{{ "," if not loop.last }}
            {%- endfor %}
        ]) as day
    from ({{ touched_kline_days() }})
{% endmacro %}


{# The days of which a candle of any interval came or went with the new loads, or that are covered otherwise now. #}
{% macro touched_kline_days() %}
    select distinct
        market,
        symbol,
        day
    from (
        {%- for model in ["klines", "rejected_klines"] %}
        select
            market,
            symbol,
            {{ opening_day() }} as day
        from {{ ref(model) }}
        where {{ is_new_load() }}
        union all
        {%- endfor %}
        {{ days_of_changed_coverage(covered_periods("klines")) }}
        {{- or_revised_windows("klines", "day", interval_seconds("1d"), interval=none) }}
    )
    where market is not null and symbol is not null and day is not null
{% endmacro %}


{% macro rollup_days_key() %}
    {{ return(["market", "symbol", '"interval"', "day"]) }}
{% endmacro %}
