# syntax=docker/dockerfile:1
# The workers alone: the seam along which the application can be split.
FROM python:3.14-slim-trixie@sha256:51dafde81dbdb6ebde285137a295cf18a47ca95234fe388a343719cb97305b3d AS builder
WORKDIR /app
RUN python -m venv /app/.venv
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/pip .venv/bin/pip install --require-hashes -r requirements.lock

FROM python:3.14-slim-trixie@sha256:51dafde81dbdb6ebde285137a295cf18a47ca95234fe388a343719cb97305b3d
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH
RUN groupadd --gid 1000 orders && useradd --uid 1000 --gid 1000 --no-create-home orders \
    && install -d -o orders -g orders /app /etc/orders
WORKDIR /app
COPY --from=builder --chown=orders:orders /app/.venv ./.venv
COPY --chown=orders:orders orders ./orders
COPY --chown=orders:orders infra/docker/version.json ./
USER orders
CMD ["python", "-m", "orders.workers"]
