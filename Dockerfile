# The image of a worker, and of every other `retention` command: docker build -t retention-engine .
# It stands at the top, since its context is the whole project; .dockerignore lets in only what is copied below.
#
# Python 3.13 on Debian 13: the tests pass on it, and a batch takes as long there as on 3.11. The digest is that of
# docker.io's multi-platform index for the tag, as the official image library records it; Renovate and Dependabot move tag
# and digest together.
ARG PYTHON_IMAGE=python:3.13.14-slim-trixie@sha256:9662417aace5ae7b8e2609cce472b72a8958e134ba372808abe9cc1a0c0125e6

# ---------------------------------------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore

RUN python -m venv /opt/retention
ENV PATH=/opt/retention/bin:${PATH}

# Before the sources: a change of ours does not install the libraries again.
WORKDIR /src
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip install --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY models models
COPY streams streams
# The lock holds the build backend, too, so that nothing unpinned takes part.
RUN python -m pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels . \
    && python -m pip install --no-deps --no-index --no-cache-dir /wheels/*.whl

# What follows must see the installed package, never the sources.
WORKDIR /

# The public data of `retention replay cdnow` (1 MB, hash checked): the image needs no network when it runs.
ENV RETENTION_CACHE=/opt/retention/share/retention
RUN --mount=type=cache,target=/root/.cache/pip \
    python -c "from streams.history.datasets import cdnow; next(cdnow())"

# Step "kernels": numba's machine code, for the CPU that builds. Another CPU compiles at start, a few seconds.
ENV NUMBA_CACHE_DIR=/var/cache/retention
RUN mkdir -p "${NUMBA_CACHE_DIR}" \
    && python -m models.simulation.warm_up

# Nothing that builds or installs is needed at run time.
RUN python -m pip check \
    && python -m pip uninstall --yes editables hatchling pathspec pluggy trove-classifiers pip

# ---------------------------------------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE}

ARG PYTHON_IMAGE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="retention-engine" \
      org.opencontainers.image.description="Loyalty state, online churn risk and retention triggers from customer touchpoints" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/${PYTHON_IMAGE}"

# A fixed number, so that volumes and Kubernetes' runAsNonRoot can rely on it. It owns nothing but the kernels' cache.
RUN groupadd --gid 10001 retention \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /tmp --shell /usr/sbin/nologin retention

COPY --from=build /opt/retention /opt/retention
COPY --from=build --chown=10001:10001 /var/cache/retention /var/cache/retention
COPY --chmod=0555 deploy/entrypoint.sh /usr/local/bin/retention-entrypoint

# Only /tmp has to be writable: run it with --read-only --tmpfs /tmp.
ENV PATH=/opt/retention/bin:${PATH} \
    HOME=/tmp \
    NUMBA_CACHE_DIR=/var/cache/retention \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RETENTION_CACHE=/opt/retention/share/retention \
    RETENTION_METRICS_HOST=0.0.0.0 \
    RETENTION_METRICS_PORT=9100

# `retention.toml` is looked for here: mount one as /etc/retention/retention.toml.
WORKDIR /etc/retention
USER 10001:10001
EXPOSE 9100
STOPSIGNAL SIGTERM

# 200 from /health: every shard that has work moves (docs/operations.md). What it says is kept by `docker inspect`.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-I", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['RETENTION_METRICS_PORT']), timeout=4); c.request('GET', '/health'); r = c.getresponse(); print(r.read().decode()); sys.exit(r.status != 200)"]

# Both replace themselves: the worker is process 1, gets the signals, and its exit code is the container's.
ENTRYPOINT ["retention-entrypoint"]
CMD ["worker"]
