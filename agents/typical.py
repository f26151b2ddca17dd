"""How long the stages of a build usually take, measured in the runs of the site that used the same framework."""

from django.core.cache import cache
from django.db import connection

# Runs that are looked at, and how long what was found is kept: the page asks at every load.
RUNS, KEPT_SECONDS = 40, 600
# The newest builds that went well; each stage lasts until the next step that begins one, or the end.
MEDIANS = """
WITH recent AS (
    SELECT run.id FROM agents_run AS run JOIN projects_project AS project ON project.id = run.project_id
        JOIN projects_message AS message ON message.id = run.message_id
    WHERE run.state = 'succeeded' AND project.framework = %s AND message.mode = 'build' AND run.version_id IS NOT NULL
    ORDER BY run.created DESC LIMIT %s
), mark AS (
    SELECT step.run_id, step.data->>'stage' AS stage, step.at,
        lead(step.at) OVER (PARTITION BY step.run_id ORDER BY step.seq) AS until
    FROM agents_step AS step JOIN recent ON recent.id = step.run_id
    WHERE step.type = 'complete' OR (step.type = 'stage' AND step.data->>'status' = 'started')
), spent AS (
    SELECT run_id, stage, sum(extract(epoch FROM until - at)) AS seconds FROM mark
    WHERE stage IS NOT NULL AND until IS NOT NULL GROUP BY run_id, stage
)
SELECT stage, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FROM spent GROUP BY stage
"""


def stages(framework: str) -> dict[str, float]:
    """{stage: seconds}, the median of the framework's newest builds; empty before the first."""
    key = f"typical-stages:{framework}"
    found: dict[str, float] | None = cache.get(key)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(MEDIANS, [framework, RUNS])
            found = {stage: round(float(seconds), 1) for stage, seconds in cursor.fetchall()}
        # Nothing yet is asked again soon: the first build is what everyone waits for.
        cache.set(key, found, KEPT_SECONDS if found else 5)
    return found
