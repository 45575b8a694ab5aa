{# The columns that identify a row of the tables that several models share. #}
{% macro kline_key() %}
    {{ return(["market", "symbol", '"interval"', "open_time"]) }}
{% endmacro %}


{% macro trade_key() %}
    {{ return(["market", "symbol", "trade_id"]) }}
{% endmacro %}


{% macro agg_trade_key() %}
    {{ return(["market", "symbol", "agg_trade_id"]) }}
{% endmacro %}


{% macro account_trade_key() %}
    {{ return(["symbol", "trade_id"]) }}
{% endmacro %}
