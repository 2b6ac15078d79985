"""Settings of the Kedro project, which Kedro finds by this module's name."""

from omegaconf.resolvers import oc

from facefill.environment import prepare_commands
from facefill.hooks.folders import FolderHooks
from facefill.hooks.guarded_mlflow import GuardedMlflowHooks
from facefill.hooks.locks import LockHooks
from facefill.hooks.models import ModelHooks
from facefill.hooks.parameters import ParameterHooks
from facefill.hooks.registry import RegistryHooks
from facefill.hooks.stages import StageHooks
from facefill.hooks.tracking import TrackingHooks

prepare_commands()

HOOKS = (
    StageHooks(),
    TrackingHooks(),
    ParameterHooks(),
    FolderHooks(),
    LockHooks(),
    ModelHooks(),
    RegistryHooks(),
    # Last, as plugins are: Kedro calls first what was registered last.
    GuardedMlflowHooks(),
)

# The name of the distribution is written either way, as its version has it.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow")

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**"]},
    # An environment changes single keys; the rest of a block stays as in base.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft"},
    "custom_resolvers": {"oc.env": oc.env},
}
