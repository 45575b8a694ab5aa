{# What gold.reconciliation and its summary report of all that was compared. #}


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
