-- What the session is and may do in a schema that it may use.
--
-- $1 whether settled rows are to be deleted.
SELECT
    pg_backend_pid() AS backend_pid,
    -- On a standby always, and where default_transaction_read_only says so.
    current_setting('transaction_read_only')::boolean AS is_read_only,
    array_to_string(ARRAY(
        SELECT format('%s ON market_chat.%s', wanted.privilege, wanted.relation)
        FROM (VALUES
            ('SELECT', 'migration', true),
            ('SELECT', 'upgrade', true),
            ('SELECT', 'outbox', true),
            ('SELECT', 'business', true),
            ('INSERT', 'business', true),
            ('UPDATE', 'business', true),
            ('SELECT', 'attempt', true),
            ('INSERT', 'attempt', true),
            ('DELETE', 'outbox', $1::boolean)
        ) AS wanted (privilege, relation, is_needed)
        JOIN pg_class c ON c.relname = wanted.relation
            AND c.relnamespace = to_regnamespace('market_chat')
        WHERE wanted.is_needed AND NOT has_table_privilege(c.oid, wanted.privilege)
        UNION ALL
        SELECT format('UPDATE (%s) ON market_chat.outbox', a.attname)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relname = 'outbox' AND c.relnamespace = to_regnamespace('market_chat')
            AND a.attname IN
                ('state', 'chat_id', 'attempts', 'last_error', 'due_at', 'settled_at', 'not_found_since')
            AND NOT has_column_privilege(a.attrelid, a.attnum, 'UPDATE')
        UNION ALL
        SELECT format('EXECUTE ON FUNCTION market_chat.%s', f.proname)
        FROM pg_proc f
        WHERE f.pronamespace = to_regnamespace('market_chat') AND f.proname LIKE '%\_key'
            AND NOT has_function_privilege(f.oid, 'EXECUTE')
        UNION ALL
        -- The waits for locks are blocks.
        SELECT 'USAGE ON LANGUAGE plpgsql' WHERE NOT has_language_privilege('plpgsql', 'USAGE')
    ), ', ') AS missing_privileges,
    -- What they do happens in the commit, which no statement_timeout ends.
    EXISTS (SELECT FROM pg_trigger t WHERE t.tginitdeferred AND NOT t.tgisinternal) AS has_deferred_triggers
