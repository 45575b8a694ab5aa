{{ staged("archive_disagreements") }}
