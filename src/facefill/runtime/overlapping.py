"""Work on items in one thread, while the next items are made ready in another.

Synopsis::

    for result in overlapped(put_together, refined_photos, waiting=4):
        ...
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def overlapped(
    function: Callable[[Item], Result], items: Iterable[Item], waiting: int
) -> Iterator[Result]:
    """Results of a function for each of some items, in their order.

    Args:
        function: Called in a thread of its own, for one item at a time.
        items: Made ready in the caller's thread, meanwhile.
        waiting: Items that may be ready, or results not asked for, at most.

    Raises:
        Exception: What the function meets for an item, in its turn; and what making an
            item ready meets, after the results of those before it.
    """
    executor = ThreadPoolExecutor(max_workers=1)
    futures: deque[Future[Result]] = deque()
    failure: Exception | None = None
    remaining = iter(items)
    try:
        while True:
            try:
                item = next(remaining)
            except StopIteration:
                break
            except Exception as error:  # raised in its turn
                failure = error
                break
            futures.append(executor.submit(function, item))
            if len(futures) > waiting:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
        if failure is not None:
            raise failure
    finally:
        executor.shutdown(cancel_futures=True)
