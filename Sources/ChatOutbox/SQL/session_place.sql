-- Where the session is, as whom, and whether the outbox can be there.
SELECT
    current_user::text AS role_name,
    -- The address that we reached; through a pooler it is the server's.
    coalesce(host(inet_server_addr()), 'local') AS host,
    current_database()::text AS database_name,
    split_part(current_setting('server_version'), ' ', 1) AS server_version,
    pg_is_in_recovery() AS is_standby,
    to_regnamespace('market_chat') IS NOT NULL AS has_schema,
    CASE WHEN to_regnamespace('market_chat') IS NOT NULL
        THEN has_schema_privilege('market_chat', 'USAGE') ELSE false END AS may_use_schema
