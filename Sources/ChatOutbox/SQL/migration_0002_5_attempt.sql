-- Version 2, step 5: the exchanges. In a transaction with a short lock_timeout, tried again. A primary key there has to be:
-- without one, a publication of all tables would refuse to delete.
LOCK TABLE market_chat.attempt IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF to_regclass('market_chat.attempt_by_row') IS NOT NULL THEN
        ALTER TABLE market_chat.attempt DROP CONSTRAINT attempt_pkey;
        ALTER TABLE market_chat.attempt ADD CONSTRAINT attempt_pkey PRIMARY KEY USING INDEX attempt_by_row;
    END IF;
END
$$;
CREATE OR REPLACE TRIGGER market_chat_forget_old_attempts AFTER INSERT ON market_chat.attempt FOR EACH ROW
EXECUTE FUNCTION market_chat.forget_old_attempts();
