"""Annotations of node arguments whose types take long to import.

Kedro resolves the annotations of nodes when it starts, which must not import Keras or
pandas: all are ``Any`` then.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from keras import Model
    from pandas import DataFrame
    from PIL.Image import Image
    from plotly.graph_objects import Figure

    from facefill.models.face_pca import FacePca
    from facefill.preparation.face_set import FaceSet

    Pictures = dict[str, Callable[[], Image]]
else:
    DataFrame = FacePca = FaceSet = Figure = Model = Pictures = Any

__all__ = ["DataFrame", "FacePca", "FaceSet", "Figure", "Model", "Pictures"]
