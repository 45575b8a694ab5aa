{# Ranges [first_slot, end_slot) of the series of a query, and what can be worked out from them without listing slots. #}


{# Runs of a series that begin where the one before ends, as one. Both ends are columns of the runs. #}
{% macro joined_runs(runs, series, begins, ends) %}
    {%- set columns = series | join(", ") %}
    select
        {{ columns }},
        min({{ begins }}) as {{ begins }},
        max({{ ends }}) as {{ ends }}
    from (
        select
            *,
            count_if(is_first) over (partition by {{ columns }} order by {{ begins }}) as stretch
        from (
            select
                *,
                coalesce({{ begins }} <> lag({{ ends }}) over (partition by {{ columns }} order by {{ begins }}), true)
                    as is_first
            from {{ runs }}
        )
    )
    group by {{ columns }}, stretch
{% endmacro %}


{#
    A series' line cut wherever a range of any kind begins or ends, with the number of ranges of each kind that each piece
    is in.

    ranges: a CTE with the series' columns, first_slot, end_slot and kind.
#}
{% macro pieces_of(ranges, series, kinds) %}
    {%- set columns = series | join(", ") %}
    select *
    from (
        select
            {{ columns }},
            slot as first_slot,
            lead(slot) over by_slot as end_slot
            {%- for kind in kinds %},
            sum(coalesce({{ kind }}, 0)) over by_slot as {{ kind }}
            {%- endfor %}
        from (
            select
                {{ columns }},
                slot
                {%- for kind in kinds %},
                sum(change) filter (where kind = '{{ kind }}') as {{ kind }}
                {%- endfor %}
            from (
                select
                    {{ columns }},
                    kind,
                    unnest([first_slot, end_slot]) as slot,
                    unnest([1, -1]) as change
                from {{ ranges }}
                where first_slot < end_slot
            )
            group by {{ columns }}, slot
        )
        window by_slot as (partition by {{ columns }} order by slot)
    )
    where {{ kinds | join(" > 0 or ") }} > 0
{% endmacro %}


{#
    Pieces cut further, where other ranges begin or end within them.

    boundaries: a CTE with the series' columns and slot.
#}
{% macro cut_at(pieces, boundaries, series) %}
    {%- set columns = series | join(", ") %}
    select
        * exclude (first_slot, end_slot, slot),
        slot as first_slot,
        lead(slot, 1, end_slot) over (partition by {{ columns }}, first_slot order by slot) as end_slot
    from (
        select
            *,
            first_slot as slot
        from {{ pieces }}
        union
        select
            {{ pieces }}.*,
            {{ boundaries }}.slot
        from {{ pieces }}
        inner join {{ boundaries }} using ({{ columns }})
        where {{ boundaries }}.slot > {{ pieces }}.first_slot and {{ boundaries }}.slot < {{ pieces }}.end_slot
    )
{% endmacro %}


{#
    The checks of gaps whose answer `nothing` still stands: not those before a time at which a source gave something in
    what they asked for.

    checks: a CTE with the series' columns, first_slot, end_slot, source, outcome and checked_at.
#}
{% macro standing_checks(checks, series) %}
    select *
    from {{ checks }} as checks
    where
        outcome = 'nothing'
        and not exists (
            select 1
            from {{ checks }} as later
            where
                later.outcome = 'found'
                {%- for column in series %}
                and later.{{ column }} = checks.{{ column }}
                {%- endfor %}
                and later.checked_at > checks.checked_at
                and later.first_slot < checks.end_slot
                and later.end_slot > checks.first_slot
        )
{% endmacro %}


{# What the standing checks that hold a whole piece say, joined to the pieces. #}
{% macro with_checks(pieces, checks, series) %}
    select
        pieces.*,
        coalesce(checked.rest_checks, 0) as rest_checks,
        coalesce(checked.archive_checks, 0) as archive_checks,
        checked.first_checked_at,
        checked.last_checked_at,
        coalesce(checked.is_confirmed, false) as is_confirmed
    from {{ pieces }} as pieces
    left join (
        select
            {%- for column in series %}
            pieces.{{ column }},
            {%- endfor %}
            pieces.first_slot,
            {%- for source in ["rest", "archive"] %}
            count(*) filter (where checks.source = '{{ source }}') as {{ source }}_checks,
            {%- endfor %}
            min(checks.checked_at) as first_checked_at,
            max(checks.checked_at) as last_checked_at,
            {%- for source in ["rest", "archive"] %}
            {{ "and " if not loop.first }}coalesce(
                count(*) filter (where checks.source = '{{ source }}') >= 2
                and max(checks.checked_at) filter (where checks.source = '{{ source }}')
                - min(checks.checked_at) filter (where checks.source = '{{ source }}')
                >= interval '{{ var("gap_confirmation_minutes") }} minutes',
                false
            ){{ " as is_confirmed" if loop.last }}
            {%- endfor %}
        from {{ pieces }} as pieces
        inner join {{ checks }} as checks using ({{ series | join(", ") }})
        where checks.first_slot <= pieces.first_slot and checks.end_slot >= pieces.end_slot
        group by all
    ) as checked
        using ({{ series | join(", ") }}, first_slot)
{% endmacro %}
