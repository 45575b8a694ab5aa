{# Candles of the same time from two sources, compared column by column. #}


{#
    1m candles rebuilt from trades: a CTE with the columns of silver.trades, and `trade_count` beside them. In incremental
    builds those of the CTE touched_minutes.

    Every trade's value has eight decimals on the exchange. Where price times quantity of an aggregate has more, its
    trades were rounded one by one and their sum is not known better than to one unit each: that is quote_tolerance.
#}
{% macro rebuilt_minutes(trades, id) %}
    select
        market,
        symbol,
        minute,
        arg_min(price, {{ id }}) as open,
        max(price) as high,
        min(price) as low,
        arg_max(price, {{ id }}) as close,
        cast(sum(quantity) as decimal(38, 8)) as volume,
        cast(sum(quote_quantity) as decimal(38, 8)) as quote_volume,
        cast(sum(trade_count) as bigint) as trade_count,
        cast(coalesce(sum(quantity) filter (where not is_buyer_maker), 0) as decimal(38, 8)) as taker_buy_volume,
        cast(coalesce(sum(quote_quantity) filter (where not is_buyer_maker), 0) as decimal(38, 8))
            as taker_buy_quote_volume,
        case
            when bool_and(quote_quantity = cast(quote_quantity as decimal(38, 8))) then cast(0 as decimal(38, 8))
            else cast(sum(trade_count) * cast(0.00000001 as decimal(9, 8)) as decimal(38, 8))
        end as quote_tolerance,
        max(_dlt_load_id) as _dlt_load_id
    from ({{ trades_of_touched_minutes(trades) }})
    group by market, symbol, minute
{% endmacro %}


{#
    The exchange's 1m candles beside those rebuilt from trades: CTEs with the columns of silver.klines and of
    silver.trade_minutes. Needs the CTE covered_periods, and in incremental builds days_to_reconcile.
#}
{% macro pairs_of_minutes(klines, minutes) %}
    with
    candles as (
        select
            *,
            {{ opening_day() }} as day,
            open_time + interval '60 seconds' as window_end
        from {{ klines }}
        where "interval" = '1m' and not is_off_grid
    ),

    candles_to_reconcile as (
        {{ rows_of_touched_windows("candles", "days_to_reconcile", "day", "open_time", interval_seconds("1d")) }}
    ),

    rebuilt as (
        select
            *,
            {{ window_start("minute", interval_seconds("1d")) }} as day
        from {{ minutes }}
    ),

    rebuilt_to_reconcile as (
        {{ rows_of_touched_windows("rebuilt", "days_to_reconcile", "day", "minute", interval_seconds("1d")) }}
    ),

    covered_candles as (
        {{ rows_in_covered_periods("candles_to_reconcile", "window_end") }}
    )

    -- A minute without trades has no prices to compare: its candle must say that nothing was traded.
    select
        candles.market,
        candles.symbol,
        candles."interval",
        candles.open_time,
        candles.day,
        {%- for column in reconciled_columns() %}
        candles.{{ column }} as left_{{ column }},
        {%- if column in ["open", "high", "low", "close"] %}
        rebuilt.{{ column }} as right_{{ column }},
        {%- else %}
        coalesce(rebuilt.{{ column }}, 0) as right_{{ column }},
        {%- endif %}
        {%- endfor %}
        coalesce(rebuilt.quote_tolerance, 0) as quote_tolerance,
        greatest(candles._dlt_load_id, rebuilt._dlt_load_id) as _dlt_load_id
    from covered_candles as candles
    left join rebuilt_to_reconcile as rebuilt
        on candles.market = rebuilt.market and candles.symbol = rebuilt.symbol and candles.open_time = rebuilt.minute
{% endmacro %}


{# The columns in which two candles of the same time are compared. #}
{% macro reconciled_columns() %}
    {{ return([
        "open", "high", "low", "close", "volume", "quote_volume", "trade_count", "taker_buy_volume",
        "taker_buy_quote_volume",
    ]) }}
{% endmacro %}


{# The columns that an inexact sum of values may miss by the candle's quote_tolerance. #}
{% macro tolerant_columns() %}
    {{ return(["quote_volume", "taker_buy_quote_volume"]) }}
{% endmacro %}


{# The day under which a candle is counted: that on which it opens. #}
{% macro opening_day() -%}
    {{ window_start("open_time", interval_seconds("1d")) }}
{%- endmacro %}


{#
    One row for each check, series and day of a CTE of pairs: how many candles were compared, and where they differ.

    pairs: market, symbol, interval, open_time, day, _dlt_load_id, quote_tolerance, and each of reconciled_columns
    twice, with left_ and right_ before its name; where one of the two is null they are not compared.
#}
{% macro reconciled_days(pairs, check_name) %}
    select
        '{{ check_name }}' as check_name,
        market,
        symbol,
        "interval",
        day,
        count(*) as compared,
        count(differences) as differing,
        coalesce(flatten(list(differences order by open_time) filter (differences is not null)), []) as differences,
        max(_dlt_load_id) as _dlt_load_id
    from (
        select
            *,
            case
                when
                    {%- for column in reconciled_columns() %}
                    {{ "or " if not loop.first }}{{ is_different(column) }}
                    {%- endfor %}
                    then flatten([
                        {%- for column in reconciled_columns() %}
                        case
                            when {{ is_different(column) }}
                                then [struct_pack(
                                    open_time := open_time,
                                    column_name := '{{ column }}',
                                    left_value := cast(left_{{ column }} as decimal(38, 8)),
                                    right_value := cast(right_{{ column }} as decimal(38, 8))
                                )]
                        end{{ "," if not loop.last }}
                        {%- endfor %}
                    ])
            end as differences
        from {{ pairs }}
    )
    group by market, symbol, "interval", day
{% endmacro %}


{% macro is_different(column) -%}
    {%- if column in tolerant_columns() -%}
    abs(left_{{ column }} - right_{{ column }}) > quote_tolerance
    {%- else -%}
    left_{{ column }} <> right_{{ column }}
    {%- endif -%}
{%- endmacro %}
