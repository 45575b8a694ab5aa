{#
    The kline intervals and their grids. A fixed interval opens where (epoch - offset) is a whole multiple of its length;
    the epoch, 1970-01-01, was a Thursday, hence the four days up to the Monday on which a week opens.
    A calendar month has no fixed length: `seconds` is none.
#}
{% macro kline_intervals() %}
    {{ return([
        {"name": "1s", "seconds": 1, "offset": 0},
        {"name": "1m", "seconds": 60, "offset": 0},
        {"name": "3m", "seconds": 180, "offset": 0},
        {"name": "5m", "seconds": 300, "offset": 0},
        {"name": "15m", "seconds": 900, "offset": 0},
        {"name": "30m", "seconds": 1800, "offset": 0},
        {"name": "1h", "seconds": 3600, "offset": 0},
        {"name": "2h", "seconds": 7200, "offset": 0},
        {"name": "4h", "seconds": 14400, "offset": 0},
        {"name": "6h", "seconds": 21600, "offset": 0},
        {"name": "8h", "seconds": 28800, "offset": 0},
        {"name": "12h", "seconds": 43200, "offset": 0},
        {"name": "1d", "seconds": 86400, "offset": 0},
        {"name": "3d", "seconds": 259200, "offset": 0},
        {"name": "1w", "seconds": 604800, "offset": 345600},
        {"name": "1M", "seconds": none, "offset": 0},
    ]) }}
{% endmacro %}


{# The length in seconds of one interval of the table above. #}
{% macro interval_seconds(name) %}
    {% for interval in kline_intervals() if interval.name == name %}
        {{ return(interval.seconds) }}
    {% endfor %}
{% endmacro %}


{# The intervals that gold.ohlcv rolls 1m klines up to: each is a whole multiple of the one before. #}
{% macro rollup_intervals() %}
    {{ return(["5m", "15m", "1h", "4h", "1d"]) }}
{% endmacro %}


{#
    The start of the epoch-aligned window of `seconds` that holds a time. Integer arithmetic on microseconds is exact and
    was measured 7 to 20 times faster than time_bucket and date_trunc on a timestamp with time zone.
#}
{% macro window_start(column, seconds) -%}
    make_timestamptz(epoch_us({{ column }}) // {{ seconds * 1000000 }} * {{ seconds * 1000000 }})
{%- endmacro %}


{# True where open_time is not a point of the interval's grid. #}
{% macro is_off_grid() -%}
    case "interval"
        {%- for interval in kline_intervals() %}
        {%- if interval.seconds is none %}
        when '{{ interval.name }}' then open_time <> date_trunc('month', open_time)
        {%- else %}
        when '{{ interval.name }}' then
            (epoch_us(open_time) - {{ interval.offset * 1000000 }}) % {{ interval.seconds * 1000000 }} <> 0
        {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}


{# True where close_time is not open_time + interval - 1 ms, as of the last candle before a halt. #}
{% macro is_close_time_irregular() -%}
    case "interval"
        {%- for interval in kline_intervals() %}
        {%- if interval.seconds is none %}
        when '{{ interval.name }}' then
            close_time <> open_time + interval '1 month' - interval '1 millisecond'
        {%- else %}
        when '{{ interval.name }}' then
            epoch_us(close_time) - epoch_us(open_time) <> {{ interval.seconds * 1000000 - 1000 }}
        {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}
