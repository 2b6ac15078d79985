"""Connected components of a graph that is given by its edges."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def components(num_nodes: int, edges: ArrayLike) -> NDArray[np.int64]:
    """Number the components that edges make of nodes.

    Args:
        num_nodes: Nodes, numbered from 0.
        edges: Pairs of nodes, (num_edges, 2); may be empty, and repeat themselves.

    Returns:
        The component of each node, int64 (num_nodes,), counted from 0.

    Example:
        >>> components(4, [(0, 2), (2, 3)]).tolist()
        [0, 1, 0, 0]
    """
    a, b = np.asarray(edges, np.int64).reshape(-1, 2).T
    # Of truth values, since a sum over equal edges could come to 0.
    links = coo_array((np.ones(len(a), bool), (a, b)), (num_nodes, num_nodes))
    _, numbers = connected_components(links, directed=False)
    return np.asarray(numbers, np.int64)
