# Three images from one file: `--target keys`, `--target api`, `--target verifier` (which contains no keys/ and no api/).
# What each writes: the volumes declared in its stage, and /tmp. With these mounted its root may be read-only.
#
#   uid 10001 ecert-api        serves; reads ledger and published folder, asks the agent for signatures
#   uid 10002 ecert-agent      holds the keys, no network; owns /run/ecert and its socket
#   uid 10003 ecert-publisher  signs the status by the agent; writes /published/status
#   uid 10004 ecert-registry   signs the registry with its two online keys; writes /published/registry
#   uid 10005 ecert-window     a window
#   gid 10000 ecert            all of them: who may connect to the agent, and put things into the published folder
FROM python:3.12-slim-bookworm AS build
WORKDIR /app
RUN pip install --no-cache-dir uv
# The verification kernel is compiled by the build itself, with the clang inside `ziglang` (PyPI).
COPY pyproject.toml uv.lock hatch_build.py README.md LICENSE ./
COPY ecert ecert
RUN UV_PYTHON_DOWNLOADS=never uv sync --locked --no-dev --all-extras --no-editable --compile-bytecode

FROM python:3.12-slim-bookworm AS base
RUN groupadd --gid 10000 ecert
WORKDIR /app
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app PYTHONUNBUFFERED=1

FROM base AS verifier
RUN useradd --uid 10005 --gid ecert --home-dir /window --shell /usr/sbin/nologin --create-home ecert-window
COPY verifier /app/verifier
USER 10005:10000
VOLUME /window
EXPOSE 8450
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8450/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "verifier"]

# Seals and licences are drawn with these fonts.
FROM base AS drawing
RUN apt-get update && apt-get install -y --no-install-recommends fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --gid ecert --home-dir /data --shell /usr/sbin/nologin ecert-api
RUN useradd --uid 10002 --gid ecert --home-dir /keys --shell /usr/sbin/nologin ecert-agent
RUN useradd --uid 10003 --gid ecert --home-dir /data --shell /usr/sbin/nologin ecert-publisher
RUN useradd --uid 10004 --gid ecert --home-dir /registry-keys --shell /usr/sbin/nologin ecert-registry
RUN install -d -o 10001 -g 10000 -m 2770 /data
RUN install -d -o 10002 -g 10000 -m 0700 /keys
RUN install -d -o 10002 -g 10000 -m 0750 /run/ecert
RUN install -d -o 10004 -g 10000 -m 0700 /registry-keys
RUN install -d -o 10004 -g 10000 -m 2775 /published
RUN install -d -o 10004 -g 10000 -m 0755 /metrics
COPY keys /app/keys

FROM drawing AS keys
USER 10002:10000
VOLUME ["/keys", "/run/ecert", "/registry-keys", "/published", "/metrics"]
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["python", "-c", "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(4); s.connect('/run/ecert/agent.sock')"]
ENTRYPOINT ["python", "-m", "keys"]

FROM drawing AS api
COPY api /app/api
USER 10001:10000
VOLUME ["/data", "/published"]
EXPOSE 8440
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8440/readyz', timeout=4)"]
ENTRYPOINT ["python", "-m", "api"]
