{#
    No two rows share the key. By default the keys of the loads that no build has tested yet are looked for in the whole
    table, so that the test costs what is new; with the variable full_tests, and for models without loads, every key is.
#}
{% test unique_key(model, columns, by_load=true) %}
    {%- set key = columns | join(", ") %}
    select
        {{ key }},
        count(*) as row_count
    from {{ model }}
    {%- if is_limited_to_untested_loads(model, by_load) %}
    semi join (select distinct {{ key }} from {{ model }} where {{ is_untested_load(model) }}) using ({{ key }})
    {%- endif %}
    group by {{ key }}
    having count(*) > 1
{% endtest %}
