"""A server of S3 on this machine, which lets nobody in but who has its key."""

import threading
import warnings
from contextlib import contextmanager
from importlib.util import find_spec

BUCKET = "results"
KEY = "AKIAFACEFILLTESTS000"
ABSENT = ", ".join(name for name in ("moto", "s3fs") if find_spec(name) is None)
REASON = f"the extra dev has not been installed: {ABSENT}"


def credentials(address, key=KEY):
    """As they stand in credentials.yml."""
    return {
        "key": key,
        "secret": "no secret",
        "client_kwargs": {"endpoint_url": address, "region_name": "us-east-1"},
        # One try: what is refused is refused again.
        "config_kwargs": {"retries": {"max_attempts": 1}},
    }


@contextmanager
def object_store():
    """Serve one empty bucket.

    Yields:
        The address of the server.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

    store = DomainDispatcherApplication(create_backend_app, service="s3")

    def guarded(environment, start_response):
        if KEY in environment.get("HTTP_AUTHORIZATION", ""):
            return store(environment, start_response)
        start_response("403 Forbidden", [("Content-Type", "application/xml")])
        return [b"<Error><Code>InvalidAccessKeyId</Code></Error>"]

    server = make_server("127.0.0.1", 0, guarded, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        make_bucket(address)
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_bucket(address):
    """Make the bucket."""
    file_system(address).mkdir(BUCKET)


def file_system(address):
    """What is in the store, as fsspec sees it."""
    import s3fs

    return s3fs.S3FileSystem(
        **credentials(address), skip_instance_cache=True, use_listings_cache=False
    )
