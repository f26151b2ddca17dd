# The same template for E2B's cloud, built by: bin/manage templates publish vue
FROM node:24-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends bash ca-certificates curl git procps python3 sudo \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /home/user/app
COPY app/ ./
RUN npm ci --ignore-scripts && npm run build && rm -rf dist
