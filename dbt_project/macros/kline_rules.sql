{#
    The rules of a kline, in the order in which they are reported. `broken` is true for a row that breaks the rule; where
    it is null (a value that it needs is missing) the rule counts as kept, since missing_value reports that row.
    silver.klines takes the rows that keep all of them, silver.rejected_klines the others.
#}
{% macro kline_rules() %}
    {% set required = [
        "market", "symbol", '"interval"', "open_time", "open", "high", "low", "close", "volume", "close_time",
        "quote_volume", "trade_count", "taker_buy_volume", "taker_buy_quote_volume",
    ] %}
    {% set names = kline_intervals() | map(attribute="name") | join("', '") %}
    {{ return([
        {"name": "missing_value", "broken": required | join(" is null or ") ~ " is null"},
        {"name": "unknown_interval", "broken": '"interval" not in (\'' ~ names ~ "')"},
        {"name": "price_not_positive", "broken": "open <= 0 or high <= 0 or low <= 0 or close <= 0"},
        {"name": "high_below_other_price", "broken": "high < greatest(open, close, low)"},
        {"name": "low_above_other_price", "broken": "low > least(open, close, high)"},
        {
            "name": "negative_volume",
            "broken": "volume < 0 or quote_volume < 0 or taker_buy_volume < 0 or taker_buy_quote_volume < 0",
        },
        {"name": "taker_buy_volume_above_volume", "broken": "taker_buy_volume > volume"},
        {"name": "taker_buy_quote_volume_above_quote_volume", "broken": "taker_buy_quote_volume > quote_volume"},
        {"name": "negative_trade_count", "broken": "trade_count < 0"},
    ]) }}
{% endmacro %}


{#
    Which of two klines of one key in one load is taken: the one that has seen more of the market. The rest of the order only
    makes it total. The other one is rejected as duplicate_key.
#}
{% macro kline_versions() %}
    {{ return(
        "trade_count desc, close_time desc, volume desc, quote_volume desc, open, high, low, close, "
        ~ "taker_buy_volume, taker_buy_quote_volume, source"
    ) }}
{% endmacro %}


{# True for a row that breaks any rule. #}
{% macro breaks_a_kline_rule() -%}
    (
        {%- for rule in kline_rules() %}
        {{ "or " if not loop.first }}coalesce({{ rule.broken }}, false)
        {%- endfor %}
    )
{%- endmacro %}


{# The names of all broken rules, comma-separated, in the rules' order; empty for a valid row. #}
{% macro broken_kline_rules() -%}
    concat_ws(
        ','
        {%- for rule in kline_rules() %},
        case when {{ rule.broken }} then '{{ rule.name }}' end
        {%- endfor %}
    )
{%- endmacro %}
