{{ config(materialized="table") }}

{%- set series = ["market", "symbol", '"interval"'] %}

with
kline_runs as (
    select * from {{ ref("kline_runs") }}
),

rejected_klines as (
    select * from {{ ref("rejected_klines") }}
),

series_periods as (
    select * from {{ ref("stg_binance__series_periods") }}
    where dataset = 'klines'
),

listings as (
    select * from {{ ref("stg_binance__listings") }}
),

symbols as (
    select * from {{ ref("stg_binance__symbols") }}
),

gap_checks as (
    select * from {{ ref("stg_binance__gap_checks") }}
    where dataset = 'klines'
),

known_outages as (
    select * from {{ ref("known_outages") }}
),

stretches as (
    {{ joined_runs("kline_runs", series, "run_start", "run_end") }}
),

present as (
    select
        market,
        symbol,
        "interval",
        {{ slot_of("run_start") }} as first_slot,
        {{ slot_of("run_end") }} as end_slot
    from stretches
),

-- A candle is expected if it opens in a period that was asked for and is closed at its end.
asked as (
    select
        market,
        symbol,
        "interval",
        {{ first_slot_from("period_start") }} as first_slot,
        {{ slot_of("period_end") }} as end_slot
    from series_periods
    where state = 'asked'
),

ranges as (
    select
        *,
        'expected' as kind
    from asked
    union all
    -- What was loaded before the pipeline said what it asked for: from the first to the last candle.
    select
        present.market,
        present.symbol,
        present."interval",
        min(present.first_slot) as first_slot,
        max(present.end_slot) as end_slot,
        'expected' as kind
    from present
    anti join asked using (market, symbol, "interval")
    group by present.market, present.symbol, present."interval"
    union all
    select
        market,
        symbol,
        "interval",
        {{ first_slot_from("period_start") }} as first_slot,
        {{ first_slot_from("period_end") }} as end_slot,
        'covered' as kind
    from series_periods
    where state = 'covered'
    union all
    select
        *,
        'present' as kind
    from present
),

lives as (
    {{ symbol_lives("kline_runs", "present", "listings", "symbols") }}
),

absent as (
    select
        pieces.market,
        pieces.symbol,
        pieces."interval",
        pieces.first_slot,
        pieces.end_slot,
        pieces.expected > 0 as is_expected,
        pieces.covered > 0 as is_covered,
        lives.listing,
        lives.delisting,
        coalesce(lives.is_listing_known, false) as is_listing_known,
        {{ slot_of("lives.listed_at") }} as listed_slot,
        {{ slot_of("lives.last_open_time") }} + 1 as delisted_slot
    from ({{ pieces_of("ranges", series, ["expected", "covered", "present"]) }}) as pieces
    left join lives using (market, symbol)
    where pieces.present = 0
),

judged as (
    select
        *,
        life = 'before' and (is_listing_known or is_covered) as is_before_listing,
        life = 'after' and is_covered and delisting is not null as is_after_delisting
    from ({{ parts_of_life("absent") }}) as parts
),

rejected as (
    select
        market,
        symbol,
        "interval",
        {{ slot_of("open_time") }} as first_slot,
        first_slot + 1 as end_slot,
        min(rule) as rule
    from rejected_klines
    group by all
),

-- Symbols of which the exchange answered that it has nothing speak for an outage, any candle at all against it.
market_ranges as (
    select
        market,
        "interval",
        first_slot,
        end_slot,
        'missing' as kind
    from judged
    where is_covered and not is_before_listing and not is_after_delisting
    union all
    select
        market,
        "interval",
        first_slot,
        end_slot,
        'present' as kind
    from present
    union all
    select
        market,
        "interval",
        first_slot,
        end_slot,
        'present' as kind
    from rejected
    where market is not null and first_slot is not null
),

market_outages as (
    select * from ({{ pieces_of("market_ranges", ["market", '"interval"'], ["missing", "present"]) }})
    where missing >= 2 and present = 0
),

outage_windows as (
    {{ outage_slots("known_outages") }}
),

checks as (
    select
        market,
        symbol,
        "interval",
        {{ first_slot_from("gap_start") }} as first_slot,
        {{ first_slot_from("gap_end") }} as end_slot,
        source,
        outcome,
        checked_at
    from gap_checks
),

standing_checks as (
    {{ standing_checks("checks", series) }}
),

missing as (
    select * from judged
    where is_expected
),

boundaries as (
    select
        market,
        symbol,
        "interval",
        unnest([first_slot, end_slot]) as slot
    from (
        select
            market,
            symbol,
            "interval",
            first_slot,
            end_slot
        from rejected
        union all
        select
            market,
            symbol,
            "interval",
            first_slot,
            end_slot
        from standing_checks
        union all
        {%- for outages in ["market_outages", "outage_windows"] %}
        {{ "union all" if not loop.first }}
        select
            missing.market,
            missing.symbol,
            missing."interval",
            {{ outages }}.first_slot,
            {{ outages }}.end_slot
        from missing
        inner join {{ outages }} using (market, "interval")
        where {{ outages }}.first_slot < missing.end_slot and {{ outages }}.end_slot > missing.first_slot
        {%- endfor %}
    )
),

cut as (
    {{ cut_at("missing", "boundaries", series) }}
),

checked as (
    {{ with_checks("cut", "standing_checks", series) }}
),

evidence as (
    select
        checked.*,
        rejected.rule,
        outage_windows.outage,
        market_outages.missing as symbols_missing
    from checked
    left join rejected
        on
            checked.market = rejected.market
            and checked.symbol = rejected.symbol
            and checked."interval" = rejected."interval"
            and checked.first_slot = rejected.first_slot
    left join market_outages
        on
            checked.market = market_outages.market
            and checked."interval" = market_outages."interval"
            and checked.first_slot >= market_outages.first_slot
            and checked.end_slot <= market_outages.end_slot
            and checked.is_covered
    left join outage_windows
        on
            checked.market = outage_windows.market
            and checked."interval" = outage_windows."interval"
            and checked.first_slot >= outage_windows.first_slot
            and checked.end_slot <= outage_windows.end_slot
    -- Padded windows may overlap.
    qualify
        row_number() over (
            partition by checked.market, checked.symbol, checked."interval", checked.first_slot
            order by outage_windows.first_slot
        ) = 1
),

-- ground: what the status rests on, without the figures that may change within a gap.
explained as (
    select
        *,
        case
            when is_before_listing then 'not_listed'
            when is_after_delisting then 'delisted'
            when outage is not null or symbols_missing is not null then 'exchange_outage'
            when is_confirmed then 'confirmed_upstream'
            else 'unexplained'
        end as status,
        case
            when is_before_listing then listing
            when is_after_delisting then delisting
            when outage is not null then outage
            when symbols_missing is not null then 'no symbol that was asked for has it'
            when is_confirmed then 'REST and the archive have nothing of it'
            when rule is not null then 'a row was rejected: ' || rule
            when not is_covered then 'never answered: not covered'
            else 'answered without it'
        end as ground
    from evidence
),

gaps as (
    {{ gaps_of_one_ground("explained", series, ["symbols_missing"]) }}
),

described as (
    select
        market,
        symbol,
        "interval",
        {{ slot_start("first_slot") }} as gap_start,
        {{ slot_start("end_slot") }} as gap_end,
        end_slot - first_slot as missing_count,
        status,
        {{ gap_reason("symbols_missing") }} as reason,
        rest_checks,
        archive_checks,
        first_checked_at,
        last_checked_at
    from gaps
)

select * from described
