FROM python:3.11-slim
RUN pip install --no-cache-dir 'mlflow~=3.17' 'psycopg[binary]' boto3
USER 1000
