{# What is covered, and the days that have to be compared where it is. #}


{#
    The periods in which everything that the exchange has of a dataset is loaded; of klines, of 1m. Trades of futures are
    left out: those of the insurance fund and of deleveraging are in the candles and not in the lists of trades.
#}
{% macro covered_periods(dataset) %}
    select
        market,
        symbol,
        period_start,
        period_end
    from {{ ref("covered_periods") }}
    where dataset = '{{ dataset }}' and {{ "\"interval\" = '1m'" if dataset == "klines" else "market = 'spot'" }}
{% endmacro %}


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
        where {{ is_new_load(mark=dataset_mark(dataset)) }}
        {{- or_revised_windows(dataset, "day", interval_seconds("1d"), dataset_mark(dataset)) }}
        union all
        {{ days_of_changed_coverage(covered_periods(dataset)) }}
    )
    semi join (
        {{ covered_periods(dataset) }}
        union all
        {{ reconciled_periods() }}
    ) using (market, symbol)
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
