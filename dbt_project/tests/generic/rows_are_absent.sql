{# Every row of the model is a finding: there should be none. #}
{% test rows_are_absent(model) %}
    select * from {{ model }}
{% endtest %}
