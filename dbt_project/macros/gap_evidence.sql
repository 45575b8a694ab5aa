{# What explains a gap: the life of its symbol, the exchange's outages, and checks. #}


{# The statuses of a symbol that no longer makes candles. HALT is not among them: its klines go on. #}
{% macro ended_statuses() %}
    {{ return(["BREAK", "CLOSE", "DELIVERED", "SETTLING"]) }}
{% endmacro %}


{#
    One row per symbol that has candles or a listing, with the texts of the reasons:
    listed_at       when it was listed, by the exchange (is_listing_known) or at the latest, by its first candle
    last_open_time  the open time of its last candle
    delisting       why that was its last candle; null where nothing says so
    While no symbol at all is trading the exchange is down for maintenance, and none of them is delisted.
#}
{% macro symbol_lives(runs, present, listings, symbols) %}
    select
        market,
        symbol,
        listings.market is not null as is_listing_known,
        least(coalesce(listings.first_open_time, listings.checked_at), spans.first_open_time) as listed_at,
        case
            when listings.market is null then 'before the first candle, and answered without any'
            when listings.first_open_time is null then 'the exchange has no candle of it yet'
            else 'before the exchange''s first candle of it, ' || strftime(listings.first_open_time, '%Y-%m-%d %H:%M')
        end as listing,
        spans.last_open_time,
        case
            when markets.market is null and not sources.is_known_to_rest
                then 'after the last candle: only the archive has the symbol'
            when not markets.is_trading
                then null
            when symbols.updated_at = markets.updated_at and symbols.status in ('{{ ended_statuses() | join("', '") }}')
                then 'after the last candle: exchangeInfo says ' || symbols.status
            when symbols.updated_at = markets.updated_at
                then null
            when markets.updated_at > spans.last_open_time
                then 'after the last candle: exchangeInfo no longer has the symbol'
        end as delisting
    from (
        select
            market,
            symbol,
            min(first_open_time) as first_open_time,
            max(last_open_time) as last_open_time
        from (
            select
                market,
                symbol,
                {{ slot_start("first_slot") }} as first_open_time,
                {{ slot_start("(end_slot - 1)") }} as last_open_time
            from {{ present }}
        )
        group by market, symbol
    ) as spans
    full join {{ listings }} as listings using (market, symbol)
    left join (
        select
            market,
            symbol,
            bool_or(is_from_rest) as is_known_to_rest
        from {{ runs }}
        group by market, symbol
    ) as sources using (market, symbol)
    left join {{ symbols }} as symbols using (market, symbol)
    left join (
        select
            market,
            max(updated_at) as updated_at,
            bool_or(status = 'TRADING') as is_trading
        from {{ symbols }}
        group by market
    ) as markets using (market)
{% endmacro %}


{#
    Each piece in up to three: before the listing, in the symbol's life, and after its last candle.

    pieces: a CTE with first_slot, end_slot, listed_slot and delisted_slot; these two are null where they are not known.
#}
{% macro parts_of_life(pieces) %}
    select *
    from (
        select
            * exclude (first_slot, end_slot, listed_slot, delisted_slot),
            unnest([
                {'life': 'before', 'first_slot': first_slot, 'end_slot': life_start},
                {'life': 'listed', 'first_slot': life_start, 'end_slot': life_end},
                {'life': 'after', 'first_slot': life_end, 'end_slot': end_slot}
            ], recursive := true)
        from (
            select
                *,
                greatest(first_slot, least(end_slot, coalesce(listed_slot, first_slot))) as life_start,
                greatest(life_start, least(end_slot, coalesce(delisted_slot, end_slot))) as life_end
            from {{ pieces }}
        )
    )
    where first_slot < end_slot
{% endmacro %}


{#
    The slots that lie within the known outages, of every interval. Scans differ by a minute or two at the edges, and by
    more where these are approximate.
#}
{% macro outage_slots(outages) %}
    select
        market,
        "interval",
        {{ first_slot_from("padded_start") }} as first_slot,
        {{ slot_of("padded_end") }} as end_slot,
        'known outage of the exchange, '
        || strftime(started_at, '%Y-%m-%d %H:%M') || ' to ' || strftime(ended_at, '%Y-%m-%d %H:%M') as outage
    from (
        select
            *,
            case when is_approximate then interval '15 minutes' else interval '2 minutes' end as padding,
            started_at - padding as padded_start,
            ended_at + padding as padded_end,
            unnest(['{{ kline_intervals() | map(attribute="name") | join("', '") }}']) as "interval"
        from {{ outages }}
    )
    where first_slot < end_slot
{% endmacro %}


{#
    Pieces that follow each other and rest on the same ground, as one gap.

    figures: columns that may differ within a gap, of which the least is told.
#}
{% macro gaps_of_one_ground(pieces, series, figures) %}
    {%- set columns = series | join(", ") %}
    {%- set evidence = ["status", "ground", "rest_checks", "archive_checks", "first_checked_at", "last_checked_at"] %}
    select
        {{ columns }},
        {{ evidence | join(", ") }},
        min(first_slot) as first_slot,
        max(end_slot) as end_slot,
        {%- for figure in figures %}
        min({{ figure }}) as {{ figure }}{{ "," if not loop.last }}
        {%- endfor %}
    from (
        select
            *,
            count_if(is_first) over (partition by {{ columns }} order by first_slot) as gap
        from (
            select
                *,
                coalesce(first_slot <> lag(end_slot) over by_slot or grounds <> lag(grounds) over by_slot, true)
                    as is_first
            from (
                select
                    *,
                    concat_ws('|', {{ evidence | join(", ") }}) as grounds
                from {{ pieces }}
            )
            window by_slot as (partition by {{ columns }} order by first_slot)
        )
    )
    group by {{ columns }}, {{ evidence | join(", ") }}, gap
{% endmacro %}


{# The reason of a gap: what its status rests on, with the figures. #}
{% macro gap_reason(symbols_missing="null") -%}
    concat_ws(
        '; ',
        ground,
        case when status = 'exchange_outage' then 'missing in at least ' || {{ symbols_missing }} || ' symbols' end,
        case
            when status in ('confirmed_upstream', 'unexplained') and rest_checks + archive_checks > 0
                then 'checked ' || rest_checks || ' times by rest, ' || archive_checks || ' by archive'
        end
    )
{%- endmacro %}
