"""The page of ``facefill app``: a photo is dropped, its hole painted, and filled."""
