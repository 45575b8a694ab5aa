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


{# The day under which a candle is counted: that on which it opens. #}
{% macro opening_day() -%}
    {{ window_start("open_time", interval_seconds("1d")) }}
{%- endmacro %}


{# on-run-start: the table of the covered periods that reconciling models have taken in, beside the watermarks. #}
{% macro prepare_reconciled_periods() %}
    create table if not exists {{ reconciled_periods_table() }} (
        model_name text,
        market text,
        symbol text,
        period_start timestamp with time zone,
        period_end timestamp with time zone
    )
{% endmacro %}


{% macro reconciled_periods_table() -%}
    {{ adapter.quote(target.database) }}.stg.reconciled_periods
{%- endmacro %}


{# Post-hook: the covered periods of a dataset are taken in. #}
{% macro record_reconciled_periods(periods) %}
    delete from {{ reconciled_periods_table() }}
    where model_name = '{{ this.identifier }}';
    insert into {{ reconciled_periods_table() }}
    select
        '{{ this.identifier }}' as model_name,
        market,
        symbol,
        period_start,
        period_end
    from ({{ periods }})
{% endmacro %}


{#
    The days in which more or less is covered than the model has taken in: nothing among the rows says so where a day,
    or the end of one, was found to hold no trade. Costs what the list of periods has, which is one a series as a rule.
#}
{% macro days_of_changed_coverage(periods) %}
    select distinct
        market,
        symbol,
        unnest(
            generate_series(
                {{ window_start("since", interval_seconds("1d")) }},
                until - interval '1 microsecond',
                interval '{{ interval_seconds("1d") }} seconds'
            )
        ) as day
    from (
        select
            market,
            symbol,
            edge as since,
            lead(edge) over by_time as until,
            sum(covered) over by_time > 0 as is_covered,
            sum(was_covered) over by_time > 0 as was_covered
        from (
            select
                market,
                symbol,
                edge,
                sum(covered) as covered,
                sum(was_covered) as was_covered
            from (
                {%- for edge, step in [("period_start", 1), ("period_end", -1)] %}
                {{ "union all" if not loop.first }}
                select
                    market,
                    symbol,
                    {{ edge }} as edge,
                    {{ step }} as covered,
                    0 as was_covered
                from ({{ periods }})
                union all
                select
                    market,
                    symbol,
                    {{ edge }} as edge,
                    0 as covered,
                    {{ step }} as was_covered
                from ({{ reconciled_periods() }})
                {%- endfor %}
            )
            group by market, symbol, edge
        )
        window by_time as (partition by market, symbol order by edge)
    )
    where is_covered <> was_covered
{% endmacro %}


{# The periods in which everything that the exchange has of a dataset is loaded; of klines, of 1m. #}
{% macro covered_periods(dataset) %}
    select
        market,
        symbol,
        period_start,
        period_end
    from {{ ref("covered_periods") }}
    where dataset = '{{ dataset }}'{{ " and \"interval\" = '1m'" if dataset == "klines" }}
{% endmacro %}


{#
    1m candles rebuilt from trades: a CTE with the columns of silver.trades, and `minute` and `trade_count` beside them.

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
    from {{ trades }}
    group by market, symbol, minute
{% endmacro %}


{# The watermark of what a reconciling model has taken in of the trades: they come in loads of their own. #}
{% macro trades_mark(dataset) -%}
    {{ this.identifier }}:{{ dataset }}
{%- endmacro %}


{# Post-hook: the loads of the trades that the model has taken in, as far as their minutes have. #}
{% macro record_trades_mark(dataset, minutes) %}
    delete from {{ watermarks_table() }}
    where model_name = '{{ trades_mark(dataset) }}';
    insert into {{ watermarks_table() }} (model_name, load_id)
    select
        '{{ trades_mark(dataset) }}' as model_name,
        load_id
    from {{ watermarks_table() }}
    where model_name = '{{ minutes }}'
{% endmacro %}


{# The days whose minutes have to be compared with those of trades: either came anew, or what is covered has changed. #}
{% macro days_to_reconcile(dataset, minutes) %}
    select distinct
        market,
        symbol,
        day
    from (
        {{ touched_days() }}
        union all
        select
            market,
            symbol,
            {{ window_start("minute", interval_seconds("1d")) }} as day
        from {{ ref(minutes) }}
        where {{ is_new_load(mark=trades_mark(dataset)) }}
        {{- or_revised_windows(dataset, "day", interval_seconds("1d"), trades_mark(dataset)) }}
        union all
        {{ days_of_changed_coverage(covered_periods(dataset)) }}
    )
    semi join (
        {{ covered_periods(dataset) }}
        union all
        {{ reconciled_periods() }}
    ) using (market, symbol)
{% endmacro %}


{# The covered periods that the model has taken in. #}
{% macro reconciled_periods() %}
    select
        market,
        symbol,
        period_start,
        period_end
    from {{ reconciled_periods_table() }}
    where model_name = '{{ this.identifier }}'
{% endmacro %}


{# The rows of a CTE with open_time that, up to `until`, lie within one covered period. #}
{% macro rows_in_covered_periods(rows, until) %}
    select {{ rows }}.*
    from {{ rows }}
    semi join covered_periods
        on
            {{ rows }}.market = covered_periods.market
            and {{ rows }}.symbol = covered_periods.symbol
            and {{ rows }}.open_time >= covered_periods.period_start
            and {{ rows }}.{{ until }} <= covered_periods.period_end
{% endmacro %}


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


{# The days of all reconciling models, each with the name of what the exchange's candles were compared with. #}
{% macro all_reconciled_days() %}
    {%- for model, right_source in {
        "reconciled_trade_days": "trades",
        "reconciled_agg_trade_days": "agg_trades",
        "reconciled_rollup_days": "1m klines",
    }.items() %}
    {{ "union all" if not loop.first }}
    select
        *,
        '{{ right_source }}' as right_source
    from {{ ref(model) }}
    {%- endfor %}
{% endmacro %}


{# A text as a number: times in seconds since 1970, truth as 1 and 0. #}
{% macro as_number(text) -%}
    coalesce(
        try_cast({{ text }} as decimal(38, 8)),
        cast(epoch_us(try_cast({{ text }} as timestamp with time zone)) as decimal(20, 0))
        * cast(0.000001 as decimal(7, 6)),
        case {{ text }} when 'True' then 1 when 'False' then 0 end
    )
{%- endmacro %}


{# The name under which samples of the archive's files are compared. #}
{% macro archive_check_name() -%}
    'archive_' || dataset || '_against_sample'
{%- endmacro %}


{# The first day of the month or day that a file is of, as its path has it. #}
{% macro first_day_of_file() -%}
    rpad(regexp_extract(path, '(\d{4}-\d{2}(-\d{2})?)\.zip$', 1), 10, '-01')
{%- endmacro %}
