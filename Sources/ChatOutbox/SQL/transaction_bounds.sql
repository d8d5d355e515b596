-- How long each statement of this transaction may wait for a lock and run. The commit is not counted.
--
-- $1 lock_timeout and $2 statement_timeout in milliseconds; $3 whether the commit waits for the disk.
SELECT
    set_config('lock_timeout', $1::bigint::text, true),
    set_config('statement_timeout', $2::bigint::text, true),
    CASE WHEN NOT $3::boolean THEN set_config('synchronous_commit', 'off', true) END
