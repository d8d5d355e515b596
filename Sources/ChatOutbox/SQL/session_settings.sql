-- The session's own settings. Sent as a statement, since a pooler in front of the server may refuse startup options.
--
-- search_path stays the role's own: a user's trigger on the settlement may rely on it.
--
-- plan_cache_mode: the plans of our statements do not depend on their parameters, and to plan each settlement of one row
-- anew takes longer than to carry it out.
--
-- jit: its compilation takes longer than any statement of ours.
--
-- enable_seqscan: a plan that was made while the outbox was empty reads the whole of it, and is kept until the next ANALYZE.
--
-- pg_advisory_unlock_all: a pooler that does not reset its sessions gives us one in which a dead process was the owner. It
-- would be ours to keep, and nobody would settle.
--
-- $1 the heartbeat in milliseconds: a process that freezes, or a host that vanishes, loses the session and with it its
--    businesses after three of them (and not in less than two seconds).
-- $2 statement_timeout and $3 lock_timeout in milliseconds: a user's trigger may hang, or wait for a lock.
SELECT
    pg_advisory_unlock_all(),
    set_config('client_min_messages', 'error', false),
    set_config('DateStyle', 'ISO', false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('plan_cache_mode', 'force_generic_plan', false),
    set_config('jit', 'off', false),
    set_config('enable_seqscan', 'off', false),
    set_config('idle_session_timeout', greatest(2000, 3 * $1::bigint)::text, false),
    set_config('idle_in_transaction_session_timeout', greatest(2000, 3 * $1::bigint)::text, false),
    set_config('tcp_keepalives_idle', greatest(1, $1::bigint / 1000)::text, false),
    set_config('tcp_keepalives_interval', greatest(1, $1::bigint / 1000)::text, false),
    set_config('tcp_keepalives_count', '2', false),
    set_config('tcp_user_timeout', greatest(2000, 3 * $1::bigint)::text, false),
    set_config('statement_timeout', $2::bigint::text, false),
    set_config('lock_timeout', $3::bigint::text, false)
