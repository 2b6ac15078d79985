"""Validation of all parameters before any work."""

from collections.abc import Generator

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from facefill.parameters.validation import resolve


class ParameterHooks:
    """Checks all parameters before any work and fills in the defaults."""

    # A wrapper, as that of ``TrackingHooks`` is, which would come before any other
    # hook and make MLflow's store for a run that is refused.
    @hook_impl(wrapper=True, tryfirst=True)
    def after_context_created(
        self, context: KedroContext
    ) -> Generator[None, object, object]:
        """Replace what YAML and ``--params`` say by the complete parameters.

        A wrapper, so that it comes before the wrapper that makes MLflow's store.

        Raises:
            ParameterError: If a name is unknown or a value is refused.
        """
        loader = context.config_loader
        loader["parameters"] = resolve(loader["parameters"]).model_dump()
        return (yield)
