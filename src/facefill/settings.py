"""How Kedro loads this project; it finds this module by its name."""

from omegaconf.resolvers import oc

from facefill.hooks import InputHooks, ParameterHooks, StageHooks, TrackingHooks

HOOKS = (StageHooks(), TrackingHooks(), ParameterHooks(), InputHooks())

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**"]},
    # An environment changes single keys; the rest of a block stays as in base.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft"},
    "custom_resolvers": {"oc.env": oc.env},
}
