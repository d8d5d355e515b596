-- Whose transactions keep a table from being locked, the oldest first, for people.
--
-- $1 the table.
SELECT a.pid, coalesce(a.usename, '') AS user_name, coalesce(a.application_name, '') AS application,
    coalesce(extract(epoch FROM now() - a.xact_start), 0)::bigint AS seconds
FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = to_regclass($1::text) AND l.granted AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
ORDER BY a.xact_start LIMIT 1
