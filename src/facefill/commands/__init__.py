"""Commands of ``facefill`` that need no Kedro project."""
