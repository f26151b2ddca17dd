"""What must be true of runs, steps and credits at any moment, whatever died: asked of the database, as SQL."""

from django.db import connection

# Each finds rows that break one rule; what it says of a row begins with the row's id.
RULES = {
    "every accepted run is over, waits for its user, is held, or will be rung": """
        SELECT id, state FROM agents_run WHERE state NOT IN
            ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled', 'stopped')
            OR (state = 'running' AND lease_until IS NULL)""",
    "a run that is over stays over: it holds no lease, has an end, and its last word is its state": """
        SELECT run.id, run.state FROM agents_run AS run
        WHERE run.state IN ('succeeded', 'failed', 'cancelled', 'stopped') AND run.last_seq > 0
        AND (run.finished IS NULL OR run.lease_until IS NOT NULL OR run.state IS DISTINCT FROM (
            SELECT step.data ->> 'state' FROM agents_step AS step
            WHERE step.run_id = run.id AND step.type IN ('state', 'complete') ORDER BY step.seq DESC LIMIT 1))""",
    "a run ends once": """
        SELECT run_id, count(*) FROM agents_step WHERE type = 'complete' GROUP BY run_id HAVING count(*) > 1""",
    "a run's steps are numbered 1 to last_seq": """
        SELECT run.id, run.last_seq, count(step.id) FROM agents_run AS run
        LEFT JOIN agents_step AS step ON step.run_id = run.id AND step.seq > 0 GROUP BY run.id
        HAVING count(step.id) <> run.last_seq OR coalesce(max(step.seq), 0) <> run.last_seq""",
    "a project's events are numbered 1 to cursor": """
        SELECT project.id, project.cursor, count(step.id) FROM projects_project AS project
        LEFT JOIN agents_step AS step ON step.project_id = project.id GROUP BY project.id
        HAVING count(step.id) <> project.cursor OR coalesce(max(step.cursor), 0) <> project.cursor""",
    "a tool call has one result": """
        SELECT run_id, key, count(*) FROM agents_step WHERE type IN ('tool_call', 'tool_result') AND key <> ''
        GROUP BY run_id, type, key HAVING count(*) > 1""",
    "a balance is the sum of its entries, and covers what is held back": """
        SELECT account.id, account.balance, coalesce(sum(entry.amount), 0) FROM usage_account AS account
        LEFT JOIN usage_entry AS entry ON entry.account_id = account.id GROUP BY account.id
        HAVING account.balance <> coalesce(sum(entry.amount), 0) OR account.balance < account.reserved""",
    "what is held back is the sum of the open reservations": """
        SELECT account.id, account.reserved FROM usage_account AS account
        LEFT JOIN usage_reservation AS open ON open.account_id = account.id AND open.state = 'open' GROUP BY account.id
        HAVING account.reserved <> coalesce(sum(open.amount), 0)""",
    "an open reservation belongs to a run that is not over": """
        SELECT open.id, run.state FROM usage_reservation AS open JOIN agents_run AS run ON run.id = open.run_id
        WHERE open.state = 'open' AND run.state IN ('succeeded', 'failed', 'cancelled', 'stopped')""",
    "a run is charged once": """
        SELECT min(id), key, count(*) FROM usage_entry WHERE kind = 'charge' GROUP BY key HAVING count(*) > 1""",
}


def broken() -> list[str]:
    """A sentence for each row that breaks a rule; empty when all is as it must be."""
    found = []
    with connection.cursor() as cursor:
        for rule, statement in RULES.items():
            cursor.execute(statement)
            found += [f"{rule}: {', '.join(map(str, row))}" for row in cursor.fetchall()]
    return found
