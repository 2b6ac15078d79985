"""All parameters are checked before any work."""

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from facefill.parameters.validation import resolve


class ParameterHooks:
    """Checks all parameters before any work and fills in the defaults."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Replace what YAML and ``--params`` say by the complete parameters.

        Raises:
            ParameterError: If a name is unknown or a value is refused.
        """
        loader = context.config_loader
        loader["parameters"] = resolve(loader["parameters"]).model_dump()
