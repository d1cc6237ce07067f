# Three images from one file: `--target keys`, `--target api`, `--target verifier` (which contains no keys/).
FROM python:3.12-slim-bookworm AS build
WORKDIR /app
RUN pip install --no-cache-dir uv
# The verification kernel is compiled by the build itself, with the clang inside `ziglang` (PyPI).
COPY pyproject.toml uv.lock hatch_build.py README.md LICENSE ./
COPY ecert ecert
RUN UV_PYTHON_DOWNLOADS=never uv sync --locked --no-dev --all-extras --no-editable

FROM python:3.12-slim-bookworm AS base
RUN useradd --system --uid 10001 --home-dir /data --create-home ecert
WORKDIR /app
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app
USER ecert
VOLUME /data
HEALTHCHECK --interval=60s --timeout=10s CMD ["ecert", "doctor"]

FROM base AS verifier
COPY verifier /app/verifier
EXPOSE 8450
ENTRYPOINT ["python", "-m", "verifier"]

# Seals and licences are drawn with these fonts.
FROM base AS drawing
USER root
RUN apt-get update && apt-get install -y --no-install-recommends fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
USER ecert

FROM drawing AS keys
COPY keys /app/keys
ENTRYPOINT ["python", "-m", "keys"]

FROM drawing AS api
COPY keys /app/keys
COPY api /app/api
EXPOSE 8440
ENTRYPOINT ["python", "-m", "api"]
