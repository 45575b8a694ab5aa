{#
    Every row fulfils every expression; what comes back names the first that fails. A null counts as failed. Looks at the
    rows of untested loads as unique_key does.

    expressions: name to SQL expression.
#}
{% test identities_hold(model, expressions, by_load=true) %}
    select *
    from (
        select
            case
                {%- for name, expression in expressions.items() %}
                when not coalesce({{ expression }}, false) then '{{ name }}'
                {%- endfor %}
            end as failed_identity,
            *
        from {{ model }}
        {%- if is_limited_to_untested_loads(model, by_load) %}
        where {{ is_untested_load(model) }}
        {%- endif %}
    )
    where failed_identity is not null
{% endtest %}
