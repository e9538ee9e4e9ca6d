-- Title:   Rows of tables that were rejected
-- Reads:   raw.rejected_rows
SELECT source, reason, count(*) AS rows
FROM raw.rejected_rows
GROUP BY ALL
ORDER BY ALL
;
