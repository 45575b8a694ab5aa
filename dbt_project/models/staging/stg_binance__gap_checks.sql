{{ staged("gap_checks") }}
