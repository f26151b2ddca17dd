"""PostgreSQL itself keeps the ledger append-only."""

from django.db import migrations

# A line is never changed. It goes only with its whole account, when `usage.services.erase` has said so for its own
# transaction (SET LOCAL vibe.erase_ledger).
CREATE = """
CREATE FUNCTION usage_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('vibe.erase_ledger', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The ledger is append-only: % of entry % refused.', TG_OP, OLD.id
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON usage_entry
    FOR EACH ROW EXECUTE FUNCTION usage_entry_is_append_only();
"""
DROP = """
DROP TRIGGER append_only ON usage_entry;
DROP FUNCTION usage_entry_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
