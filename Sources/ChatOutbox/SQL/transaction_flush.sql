-- Something to be written down, so that the commit waits until it, and all that was committed before, is on the disk.
SELECT pg_logical_emit_message(true, 'market-chatd', ''::text)
