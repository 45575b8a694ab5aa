{#
    The rules of a candle, in the order in which they are reported. `broken` is true for a row that breaks the rule; where
    it is null (a value that it needs is missing) the rule counts as kept, since missing_value reports that row.
#}


{# The rules of a kline. silver.klines takes the rows that keep all of them, silver.rejected_klines the others. #}
{% macro kline_rules() %}
    {% set required = kline_key() + [
        "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trade_count", "taker_buy_volume",
        "taker_buy_quote_volume",
    ] %}
    {% set volumes = ["volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"] %}
    {{ return(rules_of_all_candles(required, kline_intervals(), volumes) + [
        {"name": "taker_buy_volume_above_volume", "broken": "taker_buy_volume > volume"},
        {"name": "taker_buy_quote_volume_above_quote_volume", "broken": "taker_buy_quote_volume > quote_volume"},
        {"name": "negative_trade_count", "broken": "trade_count < 0"},
    ]) }}
{% endmacro %}


{# The rules of another venue's candle. silver.candles takes those that keep all, silver.rejected_candles the others. #}
{% macro candle_rules() %}
    {% set required = venue_candle_key() + ["open", "high", "low", "close", "volume"] %}
    {{ return(rules_of_all_candles(required, candle_intervals(), ["volume", "quote_volume"])) }}
{% endmacro %}


{% macro rules_of_all_candles(required, intervals, volumes) %}
    {{ return([
        {"name": "missing_value", "broken": required | join(" is null or ") ~ " is null"},
        {
            "name": "unknown_interval",
            "broken": '"interval" not in (\'' ~ intervals | map(attribute="name") | join("', '") ~ "')",
        },
        {"name": "price_not_positive", "broken": "open <= 0 or high <= 0 or low <= 0 or close <= 0"},
        {"name": "high_below_other_price", "broken": "high < greatest(open, close, low)"},
        {"name": "low_above_other_price", "broken": "low > least(open, close, high)"},
        {"name": "negative_volume", "broken": volumes | join(" < 0 or ") ~ " < 0"},
    ]) }}
{% endmacro %}


{# True for a row that breaks any of the rules. #}
{% macro breaks_a_rule(rules) -%}
    (
        {%- for rule in rules %}
        {{ "or " if not loop.first }}coalesce({{ rule.broken }}, false)
        {%- endfor %}
    )
{%- endmacro %}


{# The names of all broken rules, comma-separated, in the rules' order; empty for a valid row. #}
{% macro broken_rules(rules) -%}
    concat_ws(
        ','
        {%- for rule in rules %},
        case when {{ rule.broken }} then '{{ rule.name }}' end
        {%- endfor %}
    )
{%- endmacro %}


{#
    The rows of `newest` that break a rule, and those of `contradicting` (newest_rows.sql), with the names of their rules.

    newest, contradicting: CTEs.
#}
{% macro rejected_rows(newest, contradicting, rules) %}
    select
        *,
        {{ broken_rules(rules) }} as broken_rules
    from {{ newest }}
    where {{ breaks_a_rule(rules) }}
    union all
    select
        *,
        concat_ws(',', 'duplicate_key', nullif({{ broken_rules(rules) }}, '')) as broken_rules
    from {{ contradicting }}
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
