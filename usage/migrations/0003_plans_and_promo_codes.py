"""Plans, caps and promo codes; and a ledger that outlives its person."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

# As before; but the transaction that takes a person out of the ledger may empty the notes of its lines, nothing else.
GUARD = """
CREATE OR REPLACE FUNCTION usage_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('vibe.erase_ledger', true) = 'on' AND TG_OP = 'UPDATE' AND NEW.note = ''
        AND (NEW.id, NEW.account_id, NEW.kind, NEW.amount, NEW.key, NEW.created)
            = (OLD.id, OLD.account_id, OLD.kind, OLD.amount, OLD.key, OLD.created)
        AND NEW.run_id IS NOT DISTINCT FROM OLD.run_id THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'The ledger is append-only: % of entry % refused.', TG_OP, OLD.id
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""
# What migration 0002 made.
BEFORE = """
CREATE OR REPLACE FUNCTION usage_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('vibe.erase_ledger', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The ledger is append-only: % of entry % refused.', TG_OP, OLD.id
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0002_append_only_ledger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PromoCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40)),
                ("amount", models.BigIntegerField(help_text="Micro-credits.")),
                ("note", models.CharField(blank=True, max_length=150)),
                ("most_uses", models.PositiveIntegerField(blank=True, help_text="Empty: no limit.", null=True)),
                ("uses", models.PositiveIntegerField(default=0)),
                ("active", models.BooleanField(default=True)),
                ("ends", models.DateTimeField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="Redemption",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name="account",
            name="plan",
            field=models.CharField(
                choices=[("free", "Free"), ("pro", "Pro"), ("team", "Team")],
                db_default="free",
                default="free",
                max_length=4,
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="plan_since",
            field=models.DateTimeField(blank=True, help_text="Its months are counted from here.", null=True),
        ),
        migrations.AddField(
            model_name="account",
            name="plan_until",
            field=models.DateTimeField(blank=True, help_text="Afterwards the plan is Free; empty: no end.", null=True),
        ),
        migrations.AddField(
            model_name="account",
            name="refilled",
            field=models.DateField(blank=True, help_text="UTC day whose refill was given.", null=True),
        ),
        migrations.AddField(
            model_name="account",
            name="run_cap",
            field=models.BigIntegerField(blank=True, help_text="Micro-credits that one run may cost.", null=True),
        ),
        migrations.AddField(
            model_name="entry",
            name="run_id",
            field=models.UUIDField(blank=True, help_text="The run of a charge or refund.", null=True),
        ),
        migrations.AddField(
            model_name="reservation",
            name="cap",
            field=models.BigIntegerField(help_text="Most that the run may hold and cost.", null=True),
        ),
        migrations.AlterField(
            model_name="account",
            name="user",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="account",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="usage.account"
            ),
        ),
        migrations.AlterField(
            model_name="entry",
            name="amount",
            field=models.BigIntegerField(help_text="Micro-credits; negative for a charge and for a grant taken back."),
        ),
        migrations.AlterField(
            model_name="entry",
            name="kind",
            field=models.CharField(
                choices=[("grant", "Grant"), ("charge", "Charge"), ("refund", "Refund"), ("reversal", "Reversal")],
                max_length=8,
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["account", "-id"], name="usage_entry_account_569f20_idx"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["account", "created"], name="usage_entry_account_a05f0e_idx"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(condition=models.Q(("run_cap__gt", 0)), name="run_cap_above_nothing"),
        ),
        migrations.AddConstraint(
            model_name="promocode",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Upper("code"), name="one_promo_per_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="promocode",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="promo_gives_something"),
        ),
        migrations.AddField(
            model_name="redemption",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="redemptions", to="usage.account"
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="promo",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="redemptions", to="usage.promocode"
            ),
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.UniqueConstraint(fields=("promo", "account"), name="one_redemption_per_user"),
        ),
        migrations.RunSQL(GUARD, BEFORE),
    ]
