"""Places that are no folder of this machine: fsspec's memory, and a server of S3.

The server lets nobody in but who has its key.
"""

import threading
import uuid
import warnings
from contextlib import contextmanager
from importlib.util import find_spec

import fsspec

BUCKET = "results"
KEY = "AKIAFACEFILLTESTS000"
ABSENT = ", ".join(name for name in ("moto", "s3fs") if find_spec(name) is None)
REASON = f"not installed, though the extra dev has it: {ABSENT}"


class Place:
    """A folder of its own in a file system of fsspec.

    Attributes:
        prefix: What its URLs begin with.
        credentials: What a catalog is given for it.
    """

    def __init__(self, prefix, credentials, files):
        self.prefix = f"{prefix}/{uuid.uuid4().hex}"
        self.credentials = credentials
        self.files = files

    def url(self, name):
        return f"{self.prefix}/{name}"

    def content(self, name):
        """Bytes of a file, as whoever knows nothing of Kedro reads them."""
        return self.files.cat_file(self.url(name))

    def names(self):
        """Of all files, relative."""
        root = self.files._strip_protocol(self.prefix)
        return sorted(
            path.removeprefix(root).lstrip("/") for path in self.files.find(root)
        )


def in_memory():
    """Give a place in fsspec's memory."""
    return Place("memory://", {}, fsspec.filesystem("memory"))


def in_store(address):
    """Give a place in the bucket of a server."""
    options = {"skip_instance_cache": True, "use_listings_cache": False}
    files = fsspec.filesystem("s3", **credentials(address), **options)
    return Place(f"s3://{BUCKET}", credentials(address), files)


def credentials(address, key=KEY):
    """What stands in credentials.yml."""
    return {
        "key": key,
        "secret": "no secret",
        "client_kwargs": {"endpoint_url": address, "region_name": "eu-west-1"},
        # What is refused is refused again.
        "config_kwargs": {"retries": {"max_attempts": 1}},
    }


@contextmanager
def object_store():
    """Serve one bucket, in which other servers of this process may have left files.

    Yields:
        The address of the server.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moto.server import (
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server

    store = DomainDispatcherApplication(create_backend_app)

    def guarded(environment, start_response):
        if KEY in environment.get("HTTP_AUTHORIZATION", ""):
            return store(environment, start_response)
        start_response("403 Forbidden", [("Content-Type", "application/xml")])
        is_head = environment["REQUEST_METHOD"] == "HEAD"
        return [b"" if is_head else b"<Error><Code>InvalidAccessKeyId</Code></Error>"]

    server = make_server(
        "127.0.0.1", 0, guarded, threaded=True, request_handler=MotoRequestHandler
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        in_store(address).files.makedirs(BUCKET, exist_ok=True)
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
