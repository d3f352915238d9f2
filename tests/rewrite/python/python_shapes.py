"""Python projects of several shapes, as the files they consist of."""

from rewrite.node_shapes import finding

FAT = (finding("fat-base-image", "base-swap"), finding("build-tools-in-final", "multi-stage"))

FLASK = {
    "requirements.txt": "flask==3.0.3\ngunicorn==22.0.0\n",
    "app/main.py": "from flask import Flask\napp = Flask(__name__)\n",
}

SHAPES: dict[str, dict[str, str]] = {
    "flask": {
        **FLASK,
        "Dockerfile": """\
            # the reports service
            FROM python:3.11-bookworm AS web

            ENV PYTHONUNBUFFERED=1
            WORKDIR /srv
            COPY requirements.txt .
            # what runs
            RUN pip install --no-cache-dir -r requirements.txt
            COPY . .

            LABEL team="reports"
            EXPOSE 8000
            VOLUME /srv/data
            STOPSIGNAL SIGINT
            HEALTHCHECK --interval=5s CMD curl -f http://localhost:8000/health || exit 1
            CMD ["gunicorn", "-b", "0.0.0.0:8000", "app.main:app"]
            """,
    },
    "psycopg2": {
        **FLASK,
        "requirements.txt": "-r base.txt\npsycopg2==2.9.9 ; python_version > '3.8'\n",
        "base.txt": "Flask[async]>=3  # the web\n",
        "Dockerfile": """\
            FROM python:3.11-slim
            WORKDIR /srv
            RUN apt-get update && apt-get install -y gcc libpq-dev tzdata git
            COPY . .
            RUN pip install --upgrade pip && pip install -r requirements.txt 'gunicorn>=22'
            RUN useradd --system app
            USER app
            CMD gunicorn app.main:app
            """,
    },
    "poetry": {
        **FLASK,
        "pyproject.toml": '[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\npython = "^3.11"\nflask = "^3"\n',
        "poetry.lock": '[[package]]\nname = "flask"\n',
        "Dockerfile": """\
            FROM python:3.12
            WORKDIR /srv
            RUN pip install poetry==1.8.3
            COPY pyproject.toml poetry.lock ./
            RUN poetry config virtualenvs.create false && poetry install --no-root --no-interaction
            COPY app ./app
            ENTRYPOINT ["python", "-m", "app.main"]
            """,
    },
    "uv-pip": {
        **FLASK,
        "Dockerfile": """\
            FROM python:3.12-slim
            COPY --from=ghcr.io/astral-sh/uv:0.4 /uv /bin/uv
            WORKDIR /srv
            COPY requirements.txt /tmp/
            RUN apt-get update && apt-get install -y build-essential && mkdir -p /data
            RUN uv pip install --system -r /tmp/requirements.txt
            COPY . .
            CMD ["python", "app/main.py"]
            """,
    },
}
