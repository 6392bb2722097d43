# The program with its locked, hashed requirements: for a Prefect worker, or for one command.
#   docker build -t narrate .
#   docker run -e PREFECT_API_URL -e NARRATION_STORE -e DASHSCOPE_API_KEY -v $PWD/shelf:/shelf narrate
FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false PREFECT_RESULTS_PERSIST_BY_DEFAULT=false \
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30 \
    NARRATION_HOME=/home/narrate/store NARRATION_BOOKS=/shelf
WORKDIR /program
COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY configs configs
COPY narration narration
COPY flows flows
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --create-home narrate && mkdir /shelf && chown narrate /shelf
USER narrate
WORKDIR /home/narrate
CMD ["prefect", "worker", "start", "--pool", "narrate", "--type", "process"]
