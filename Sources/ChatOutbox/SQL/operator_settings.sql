-- The settings of a person's session: see session_settings.sql.
--
-- $1 statement_timeout and $2 lock_timeout in milliseconds, $3 whether nothing is to be changed.
SELECT
    set_config('client_min_messages', 'error', false),
    set_config('DateStyle', 'ISO', false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('jit', 'off', false),
    set_config('enable_seqscan', 'off', false),
    set_config('statement_timeout', $1::bigint::text, false),
    set_config('lock_timeout', $2::bigint::text, false),
    CASE WHEN $3::boolean THEN set_config('default_transaction_read_only', 'on', false) END
