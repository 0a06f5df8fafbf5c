"""An S3 server in this process that tells what it was asked for."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote

BUCKET = "bucket"
NOBODY = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass
class ObjectStorage:
    """A bucket; `asked` are the requests since it was last cleared, as method and key, of a listing without a key."""

    address: str
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What opens it: endpoint and credentials, as they come from a user's environment."""
        return NOBODY | {"AWS_ENDPOINT_URL": self.address, "AWS_ALLOW_HTTP": "true"}

    def put(self, folder: Path, key: str) -> None:
        """Put all files of a folder below a key."""
        files = _files()
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            files.pipe_file(f"{BUCKET}/{key}/{file.relative_to(folder)}", file.read_bytes())

    def keys(self, below: str) -> set[str]:
        """The keys below one."""
        return {key.removeprefix(f"{BUCKET}/") for key in _files().find(f"{BUCKET}/{below}")}

    def got(self, below: str) -> set[str]:
        """The keys below one whose contents were asked for since `asked` was last cleared."""
        return {key for method, key in self.asked if method == "GET" and key.startswith(f"{below}/")}


def _files() -> Any:
    from s3fs import S3FileSystem

    return S3FileSystem(use_listings_cache=False)


@contextmanager
def object_storage() -> Iterator[ObjectStorage]:
    """Yield a storage that is there while this is worked in."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    answers = DomainDispatcherApplication(create_backend_app)

    def told(environ: dict[str, Any], start_response: Any) -> Any:
        _bucket, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
        storage.asked.append((environ["REQUEST_METHOD"], key))
        return answers(environ, start_response)

    server = make_server("127.0.0.1", 0, told, threaded=True)
    storage = ObjectStorage(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        server.shutdown()
        thread.join()
