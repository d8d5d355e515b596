-- Draws due rows from all parts of what is due: the first, the last, and some between, of both types, each in turn.
--
-- Of each type the first 2000 and the last 200 rows are candidates, found as in outbox_due.sql, and backwards; rows of the
-- other type are walked over, so many and no more.
--
-- Rows that were never tried come first in each part: those that were put off lately are all among the last.
--
-- Each LIMIT names a parameter: a planner that knows the number may think that all rows are wanted, and sort them.
--
-- $1 business id, $2 limit, $3 only rows of this type; NULL: of both. $4 ids of rows that are not wanted.
WITH RECURSIVE highest_first (priority) AS (
    (SELECT o.priority FROM market_chat.outbox o
    WHERE o.business_id = $1 AND o.state = 'pending' ORDER BY o.priority DESC LIMIT 1)
    UNION ALL
    SELECT (SELECT o.priority FROM market_chat.outbox o
        WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority < highest_first.priority
        ORDER BY o.priority DESC LIMIT 1)
    FROM highest_first WHERE highest_first.priority IS NOT NULL
), lowest_first (priority) AS (
    (SELECT o.priority FROM market_chat.outbox o
    WHERE o.business_id = $1 AND o.state = 'pending' ORDER BY o.priority LIMIT 1)
    UNION ALL
    SELECT (SELECT o.priority FROM market_chat.outbox o
        WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority > lowest_first.priority
        ORDER BY o.priority LIMIT 1)
    FROM lowest_first WHERE lowest_first.priority IS NOT NULL
), wanted (type, type_number) AS (
    SELECT * FROM (VALUES ('ORDER', 0), ('RETURN', 1)) AS known (type, number) WHERE $3::text IS NULL OR known.type = $3
), front AS MATERIALIZED (
    SELECT wanted.type_number, found.*
    FROM wanted CROSS JOIN LATERAL (
        SELECT walked.*
        FROM (
            SELECT due.*
            FROM highest_first CROSS JOIN LATERAL (
                SELECT o.id, o.context_type, o.priority, o.due_at, o.attempts FROM market_chat.outbox o
                WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority = highest_first.priority
                    AND o.due_at <= now()
                ORDER BY o.due_at, o.id
                LIMIT greatest($2, 20000)
            ) AS due
            LIMIT greatest($2, 20000)
        ) AS walked
        WHERE walked.context_type = wanted.type
            AND walked.id NOT IN (SELECT unwanted.id FROM unnest($4::bigint[]) AS unwanted (id))
        LIMIT greatest($2, 2000)
    ) AS found
), rear AS MATERIALIZED (
    SELECT wanted.type_number, found.*
    FROM wanted CROSS JOIN LATERAL (
        SELECT walked.*
        FROM (
            SELECT due.*
            FROM lowest_first CROSS JOIN LATERAL (
                SELECT o.id, o.context_type, o.priority, o.due_at, o.attempts FROM market_chat.outbox o
                WHERE o.business_id = $1 AND o.state = 'pending' AND o.priority = lowest_first.priority
                    AND o.due_at <= now()
                ORDER BY o.due_at DESC, o.id DESC
                LIMIT greatest($2, 20000)
            ) AS due
            LIMIT greatest($2, 20000)
        ) AS walked
        WHERE walked.context_type = wanted.type
            AND walked.id NOT IN (SELECT unwanted.id FROM unnest($4::bigint[]) AS unwanted (id))
        LIMIT greatest($2, 200)
    ) AS found
), part (id, type_number, part_number, place) AS (
    SELECT id, type_number, 0, row_number() OVER (
        PARTITION BY type_number ORDER BY attempts > 0, priority DESC, due_at, id)
    FROM front
    UNION ALL
    SELECT id, type_number, 1, row_number() OVER (
        PARTITION BY type_number ORDER BY attempts > 0, priority, due_at DESC, id DESC)
    FROM rear
    UNION ALL
    SELECT id, type_number, 2, row_number() OVER (
        PARTITION BY type_number ORDER BY attempts > 0, random())
    FROM (
        SELECT id, type_number, attempts FROM front UNION SELECT id, type_number, attempts FROM rear) AS either
), turn AS (
    -- In a row of turns every third is of the same part and every second of the same type, so that each pair of them has
    -- one turn in six.
    SELECT part.id, min((4 * part.part_number + 3 * part.type_number) % 6 + 6 * (part.place - 1)) AS number
    FROM part GROUP BY part.id ORDER BY number LIMIT $2
)
SELECT
    drawn.*,
    -- As in outbox_due_again.sql.
    (SELECT count(*) FROM market_chat.attempt a
        WHERE a.outbox_id = drawn.id AND a.http_status = 404 AND a.verdict <> 'deferred'
            AND a.at >= drawn.not_found_since) AS not_found_count
FROM turn CROSS JOIN LATERAL (
    SELECT
        o.id, o.context_type, o.context_id, o.priority, o.attempts, o.due_at, o.not_found_since,
        (extract(epoch FROM now() - o.not_found_since) * 1000000)::bigint AS not_found_microseconds
    FROM market_chat.outbox o WHERE o.id = turn.id LIMIT 1
) AS drawn
ORDER BY turn.number
