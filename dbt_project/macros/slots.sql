{#
    Slots: the points of an interval's grid, numbered so that those that follow each other differ by one. Runs, gaps and
    what explains them are ranges [first_slot, end_slot) of these numbers, whatever the length of the interval.
    A slot lasts until the next one; a calendar month's number is its year times twelve plus its month, from 0.
#}


{# The number of the slot that a time is in, by the column "interval". #}
{% macro slot_of(time) -%}
    case "interval"
        {%- for interval in kline_intervals() %}
        {%- if interval.seconds is none %}
        when '{{ interval.name }}' then year({{ time }}) * 12 + month({{ time }}) - 1
        {%- else %}
        when '{{ interval.name }}' then
            (epoch_us({{ time }}) - {{ interval.offset * 1000000 }}) // {{ interval.seconds * 1000000 }}
        {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}


{# The number of the first slot that begins at a time or after it. #}
{% macro first_slot_from(time) -%}
    {{ slot_of("(" ~ time ~ " - interval '1 microsecond')") }} + 1
{%- endmacro %}


{# The time at which a slot begins. #}
{% macro slot_start(slot) -%}
    case "interval"
        {%- for interval in kline_intervals() %}
        {%- if interval.seconds is none %}
        when '{{ interval.name }}' then make_timestamptz({{ slot }} // 12, {{ slot }} % 12 + 1, 1, 0, 0, 0)
        {%- else %}
        when '{{ interval.name }}' then
            make_timestamptz({{ slot }} * {{ interval.seconds * 1000000 }} + {{ interval.offset * 1000000 }})
        {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}
