"""How Kedro loads this project; it finds this module by its name."""

import os

from omegaconf.resolvers import oc

from facefill.hooks.locks import LockHooks
from facefill.hooks.models import ModelHooks
from facefill.hooks.parameters import ParameterHooks
from facefill.hooks.stages import StageHooks
from facefill.hooks.tracking import TrackingHooks

# TensorFlow greets every process with a dozen lines about the machine. Whoever sets
# the variable keeps them.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

HOOKS = (
    StageHooks(),
    TrackingHooks(),
    ParameterHooks(),
    LockHooks(),
    ModelHooks(),
)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**"]},
    # An environment changes single keys; the rest of a block stays as in base.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft"},
    "custom_resolvers": {"oc.env": oc.env},
}
