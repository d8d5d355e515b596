-- One row, found by its id or by what it stands for. A time that is infinite comes as that word, and nothing is subtracted
-- from it.
--
-- $1 row id or NULL, $2 business id, $3 context_type, $4 context_id.
SELECT
    o.id, o.business_id, o.context_type, o.context_id, o.priority, o.state, o.chat_id, o.attempts, o.last_error,
    coalesce(to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), o.created_at::text) AS created_at,
    coalesce(to_char(o.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), o.due_at::text) AS due_at,
    coalesce(to_char(o.settled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), o.settled_at::text) AS settled_at,
    to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS looked_at,
    -- greatest and least pass NULL over.
    CASE WHEN o.not_found_since IS NOT NULL THEN (extract(epoch FROM statement_timestamp()
        - greatest(least(o.not_found_since, statement_timestamp()), statement_timestamp() - interval '1000 years'))
        * 1000000)::bigint END AS not_found_microseconds,
    w.reason,
    CASE WHEN w.next_try_at IS NOT NULL THEN (extract(epoch FROM
        greatest(least(w.next_try_at, statement_timestamp() + interval '1000 years'),
            statement_timestamp() - interval '1000 years') - statement_timestamp()) * 1000000)::bigint END
        AS next_microseconds
FROM market_chat.outbox AS o LEFT JOIN market_chat.waiting AS w ON w.outbox_id = o.id
WHERE CASE WHEN $1::bigint IS NOT NULL THEN o.id = $1::bigint
    ELSE o.business_id = $2::bigint AND o.context_type = $3::text AND o.context_id = $4::bigint END
