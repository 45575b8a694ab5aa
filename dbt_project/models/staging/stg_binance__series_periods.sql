{{ staged("series_periods") }}
