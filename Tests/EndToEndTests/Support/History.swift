/// A table that remembers each change of a row's state or chat, written by a trigger in the same transaction.
enum History {
    static let schema = """
        CREATE TABLE public.history (outbox_id bigint, old_state text, new_state text, old_chat bigint, new_chat bigint);
        CREATE FUNCTION public.remember() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO public.history VALUES (NEW.id, OLD.state, NEW.state, OLD.chat_id, NEW.chat_id);
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER remember AFTER UPDATE ON market_chat.outbox FOR EACH ROW
        WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.chat_id IS DISTINCT FROM NEW.chat_id)
        EXECUTE FUNCTION public.remember();
        ALTER TABLE public.history OWNER TO postgres;
        GRANT ALL ON public.history TO public;
        """
}
