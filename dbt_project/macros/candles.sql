{# Candles of all venues in one shape, and which of these a build has to look at. #}


{# The venues whose candles come by pipelines of their own; Binance's are those of silver.klines. #}
{% macro other_venues() %}
    {{ return(["coinbase", "okx"]) }}
{% endmacro %}


{% macro venues() %}
    {{ return(["binance"] + other_venues()) }}
{% endmacro %}


{# A candle's key by the venue's own names. #}
{% macro venue_candle_key() %}
    {{ return(["venue", "venue_symbol", '"interval"', "open_time"]) }}
{% endmacro %}


{# The key of what all venues have of a candle. #}
{% macro cross_exchange_key() %}
    {{ return(["symbol", '"interval"', "open_time"]) }}
{% endmacro %}


{# The intervals of all venues: those of Binance, and OKX's two days. #}
{% macro candle_intervals() %}
    {{ return(kline_intervals() + [{"name": "2d", "seconds": 172800}]) }}
{% endmacro %}


{# Last millisecond of a candle by its open_time and "interval"; null for an interval that is not known. #}
{% macro regular_close_time() -%}
    case "interval"
        {%- for interval in candle_intervals() %}
        {%- set length = interval.seconds ~ " seconds" if interval.seconds else "1 month" %}
        when '{{ interval.name }}' then open_time + interval '{{ length }}' - interval '1 millisecond'
        {%- endfor %}
    end
{%- endmacro %}


{# The candles of another venue as staged, in the shape of silver.candles. #}
{% macro venue_candles(venue) %}
    select
        '{{ venue }}' as venue,
        symbol as venue_symbol,
        "interval",
        open_time,
        open,
        high,
        low,
        close,
        volume,
        {{ "quote_volume" if venue != "coinbase" else "cast(null as decimal(38, 18)) as quote_volume" }},
        cast(null as bigint) as trade_count,
        {{ regular_close_time() }} as close_time,
        _dlt_load_id
    from {{ ref("stg_" ~ venue ~ "__candles") }}
{%- endmacro %}


{# Those that came with loads that the model has not taken in; each venue has loads of its own. #}
{% macro new_venue_candles(venue) %}
    {{- venue_candles(venue) }}
    where {{ is_new_load(mark=dataset_mark(venue ~ "_candles")) }}
{%- endmacro %}


{# The keys of those of all other venues. #}
{% macro new_venue_candle_keys() %}
    {%- for venue in other_venues() %}
    {{ "union all" if not loop.first }}
    select distinct {{ venue_candle_key() | join(", ") }}
    from ({{ new_venue_candles(venue) }})
    {%- endfor %}
{% endmacro %}


{# Which of two candles of one key in one load is taken: the one that has seen more. The rest makes the order total. #}
{% macro candle_versions() %}
    {{ return("volume desc, quote_volume desc, open, high, low, close") }}
{% endmacro %}


{# The symbols that the venues' candles are known by. #}
{% macro candle_symbols() %}
    select distinct
        venue,
        venue_symbol,
        symbol
    from {{ ref("candle_series") }}
    where symbol is not null
{% endmacro %}


{#
    The keys of the candles that came with loads that the model has not taken in, or left it as rejected; of those in the
    periods of revised files, and of those whose symbols have changed.

    stored: a query of the keys that the model holds. symbols: the pairs of symbols of now.
#}
{% macro touched_candles(stored, symbols) %}
    {%- set key = venue_candle_key() | join(", ") %}
    {%- set bounds = revised_bounds("klines", dataset_mark("klines")) %}
    {%- set spot_klines %}
        select
            'binance' as venue,
            symbol as venue_symbol,
            "interval",
            open_time
        from {{ ref("klines") }}
        where market = 'spot'
    {%- endset %}
    select distinct {{ key }}
    from (
        {{ spot_klines }}
            and {{ is_new_load(mark=dataset_mark("klines")) }}
        union all
        select
            'binance' as venue,
            symbol as venue_symbol,
            "interval",
            open_time
        from {{ ref("rejected_klines") }}
        where market = 'spot' and {{ is_new_load(mark=dataset_mark("klines")) }}
        union all
        {{ new_venue_candle_keys() }}
        {%- if bounds %}
        union all
        select candles.* exclude (market, symbol)
        from (
            select
                *,
                'spot' as market,
                venue_symbol as symbol
            from ({{ spot_klines }} union all {{ stored }})
            where venue = 'binance'
        ) as candles
        semi join ({{ revised_files("klines", dataset_mark("klines")) }}) as revised
            on {{ is_in_revised_period("candles", "klines", bounds) }}
        {%- endif %}
        {%- if are_pairs_changed(symbols) %}
        union all
        select candles.*
        from (
            {{ spot_klines }}
            {%- for venue in other_venues() %}
            union all
            select
                '{{ venue }}' as venue,
                symbol as venue_symbol,
                "interval",
                open_time
            from {{ ref("stg_" ~ venue ~ "__candles") }}
            {%- endfor %}
            union all
            {{ stored }}
        ) as candles
        semi join ({{ changed_pairs(symbols) }}) as changed using (venue, venue_symbol)
        {%- endif %}
    )
{% endmacro %}


{# What silver.candles has to look at. #}
{% macro candles_to_rebuild() %}
    {{- touched_candles("select " ~ venue_candle_key() | join(", ") ~ " from " ~ this, candle_symbols()) }}
{% endmacro %}


{# A CTE with open_time and the key's columns cut to what is touched; on a full build nothing is cut. #}
{% macro rows_to_rebuild(rows, touched, key) %}
    select {{ rows }}.*
    from {{ rows }}
    {%- if is_incremental() %}
    semi join {{ touched }} using ({{ key | join(", ") }})
    where {{ is_within_bounds(rows ~ ".open_time", touched, "open_time", "open_time + interval '1 microsecond'") }}
    {%- endif %}
{% endmacro %}


{#
    What gold.cross_exchange_ohlcv has to look at: it goes by the symbols that silver.candles has, and those that it has
    itself, so that a symbol that has changed is taken from where it was and brought to where it is.
#}
{% macro cross_exchange_to_rebuild() %}
    {%- set symbols = taken_pairs("candles") %}
    {%- set stored %}
        select
            taken.venue,
            taken.venue_symbol,
            stored."interval",
            stored.open_time
        from {{ this }} as stored
        inner join ({{ taken_pairs(this.identifier) }}) as taken using (symbol)
    {%- endset %}
    select distinct {{ cross_exchange_key() | join(", ") }}
    from ({{ touched_candles(stored, symbols) }})
    inner join (({{ symbols }}) union ({{ taken_pairs(this.identifier) }})) as pairs using (venue, venue_symbol)
{% endmacro %}


{#
    A price of all venues as a double: that of each weighted by its volume, or, where nothing traded, the mean. Reckoned from
    the lowest, so that venues that agree give their price exactly. Casts of wide decimals are dear: a venue alone is spared.

    Needs <venue>_<column> and <venue>_volume of each venue, volume, n_venues, lowest_<column> and highest_<column>.
#}
{% macro volume_weighted(column) -%}
    case
        when n_venues = 1 then cast(lowest_{{ column }} as double)
        else least(
            cast(highest_{{ column }} as double),
            cast(lowest_{{ column }} as double) + case
                when volume > 0 then ({{ weighted_excesses(column, weighted=true) }}) / cast(volume as double)
                else ({{ weighted_excesses(column, weighted=false) }}) / n_venues
            end
        )
    end
{%- endmacro %}


{% macro weighted_excesses(column, weighted) -%}
    {{ of_venues(
        "coalesce(cast(?_" ~ column ~ " - lowest_" ~ column ~ " as double)"
        ~ (" * cast(?_volume as double)" if weighted else "") ~ ", 0)",
        " + "
    ) }}
{%- endmacro %}


{# An expression once for each venue, whose name is put where it has a question mark. #}
{% macro of_venues(expression, separator) -%}
    {%- for venue in venues() -%}
        {{- separator if not loop.first }}{{ expression | replace("?", venue) -}}
    {%- endfor -%}
{%- endmacro %}
