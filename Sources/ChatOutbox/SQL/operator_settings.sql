-- The settings of a person's transaction: see session_settings.sql. For each transaction anew, and for it alone: behind a
-- pool in transaction mode what is set for a session stays with the server's process, and so with the shop's next order.
--
-- $1 statement_timeout and $2 lock_timeout in milliseconds, $3 whether nothing is to be changed.
SELECT
    set_config('client_min_messages', 'error', true),
    set_config('DateStyle', 'ISO', true),
    set_config('jit', 'off', true),
    set_config('enable_seqscan', 'off', true),
    -- A look must not take the processors from the shop.
    set_config('max_parallel_workers_per_gather', '0', true),
    set_config('statement_timeout', $1::bigint::text, true),
    set_config('lock_timeout', $2::bigint::text, true),
    CASE WHEN $3::boolean THEN set_config('transaction_read_only', 'on', true) END
