{#
    What a venue's metadata say of its symbols can come later than their candles, and change. So the pairs of symbols that
    an incremental model has taken in are kept in stg.paired_symbols, and what differs from them is built anew.

    pairs: a query of venue, venue_symbol and the symbol that it stands for.
#}


{# on-run-start: the table, beside the watermarks. #}
{% macro prepare_paired_symbols() %}
    create table if not exists {{ paired_symbols_table() }} (
        model_name text,
        venue text,
        venue_symbol text,
        symbol text
    )
{% endmacro %}


{% macro paired_symbols_table() -%}
    {{ adapter.quote(target.database) }}.stg.paired_symbols
{%- endmacro %}


{# The pairs that a model has taken in. #}
{% macro taken_pairs(model_name) %}
    select
        venue,
        venue_symbol,
        symbol
    from {{ paired_symbols_table() }}
    where model_name = '{{ model_name }}'
{% endmacro %}


{# The pairs that the model has not taken in, and those that it has and that are no more. #}
{% macro changed_pairs(pairs) %}
    (({{ pairs }}) except ({{ taken_pairs(this.identifier) }}))
    union all
    (({{ taken_pairs(this.identifier) }}) except ({{ pairs }}))
{% endmacro %}


{# Whether there are any: most builds then look at nothing more. #}
{% macro are_pairs_changed(pairs) %}
    {% if not execute or not is_incremental() %}{{ return(false) }}{% endif %}
    {{ return(run_query("select count(*) from (" ~ changed_pairs(pairs) ~ ")").columns[0].values()[0] > 0) }}
{% endmacro %}


{# Post-hook: the pairs are taken in. #}
{% macro record_pairs(pairs) %}
    delete from {{ paired_symbols_table() }}
    where model_name = '{{ this.identifier }}';
    insert into {{ paired_symbols_table() }}
    select
        '{{ this.identifier }}' as model_name,
        venue,
        venue_symbol,
        symbol
    from ({{ pairs }})
{% endmacro %}
