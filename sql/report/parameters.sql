-- Title:   What is said of each parameter: paper or assumed, and what it is
SELECT column_name AS parameter, coalesce(comment, '') AS note
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'meta' AND table_name = 'parameters'
ORDER BY column_index
;
