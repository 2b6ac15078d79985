"""Settings of the Kedro project, which Kedro finds by this module's name."""

from omegaconf.resolvers import oc

from facefill.commands.plugins import leave_out_plugin
from facefill.environment import prepare_commands
from facefill.hooks import Hooks
from facefill.hooks.config_loader import ReadableConfigLoader

prepare_commands()
leave_out_plugin("kedro_mlflow")

HOOKS = Hooks()

# Ours guard its own. The name of the distribution is written either way, as its
# version has it.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow")

CONFIG_LOADER_CLASS = ReadableConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**"]},
    # An environment changes single keys; the rest of a block stays as in base.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft"},
    "custom_resolvers": {"oc.env": oc.env},
}
