"""Kedro hooks: parameters, folders, models, locks, stage log, MLflow tracking."""
