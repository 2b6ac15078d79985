"""The pipelines that ``kedro run --pipeline`` knows: one directory each."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline


def register_pipelines() -> dict[str, Pipeline]:
    """Find every pipeline; ``kedro run`` alone runs all but ``import_checkpoint``.

    That one makes the models that ``train`` makes, from other people's weights.

    Kedro imports only the directories that ``--pipeline`` names, so a pipeline
    that contains another must have a directory of its own and add it there.
    """
    pipelines = find_pipelines(raise_errors=True)
    stages = [pipelines[name] for name in pipelines if name != "import_checkpoint"]
    pipelines["__default__"] = sum(stages, Pipeline([]))
    return pipelines
