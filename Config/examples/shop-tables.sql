-- Example tables of a seller, for the two files beside this one. You have tables of your own: read what the columns
-- are for, and put your names into the other two files instead.
--
--   psql -d shop -f shop-tables.sql
--
-- Safe to run twice. Whoever runs it owns the tables.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

CREATE SCHEMA IF NOT EXISTS shop;

CREATE TABLE IF NOT EXISTS shop.orders (
    -- The cabinet on the Market, and the Market's own number of the order: what a chat is asked for with.
    business_id bigint NOT NULL,
    id bigint NOT NULL,
    -- 'NEEDS_CHAT' asks for a conversation with the buyer: see enqueue-from-orders.sql.
    status text NOT NULL DEFAULT 'NEW',
    -- What write-chat-id-back.sql fills in: the chat, or why the Market gives none, and when that became known.
    chat_id bigint,
    chat_error text,
    chat_settled_at timestamptz,
    PRIMARY KEY (business_id, id)
);

-- Returns have numbers of their own: a return and an order may have the same one.
CREATE TABLE IF NOT EXISTS shop.returns (
    business_id bigint NOT NULL,
    id bigint NOT NULL,
    status text NOT NULL DEFAULT 'NEW',
    chat_id bigint,
    chat_error text,
    chat_settled_at timestamptz,
    PRIMARY KEY (business_id, id)
);

COMMIT;
