"""The pages a browser gets: GraphiQL at `/graphql`, the REST reference at `/v1/docs`, and what both load.

Two sets of files can stand behind the same pages, and the pages do not know which:

* built: GraphiQL 5 and Scalar, put into `gateway/static/` by `npm run build` in `frontend/`;
* packaged: an older GraphiQL and Swagger UI, out of two packages that pip installs.

Both offer `ui/graphiql.js` and `ui/rest_docs.js`; the rest (sign-in, examples, style) is `gateway/web/`.
No page asks another host for anything, and none needs an inline script.
"""

import gzip
import hashlib
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from rest_compat.endpoint import extra_route
from rest_compat.envelope import Answer, AnyRequest, request_id_header

PageAssets: TypeAlias = Literal["auto", "built", "packaged"]

WEB = Path(__file__).parent / "web"
BUILT = Path(__file__).parent / "static"

CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "worker-src": "'self'",  # Monaco's language workers
    "connect-src": "'self'",
    "img-src": "'self' data:",
    # Both editors and Scalar create style elements while they run: 'self' alone would leave them bare.
    "style-src": "'self' 'unsafe-inline'",
    "font-src": "'self' data:",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'none'",
}
PAGE_HEADERS = {
    "Content-Security-Policy": "; ".join(map(" ".join, CONTENT_SECURITY_POLICY.items())),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
    # /graphql answers a browser with this page and a program with JSON: a cache must tell them apart.
    "Vary": "Accept",
}

# A file whose kind is not listed here is not served: packages also carry source maps, Python and templates.
MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ttf": "font/ttf",
    ".woff2": "font/woff2",
}
GZIPPED = {".js", ".css", ".svg", ".ttf"}
NOT_THERE = {
    "built": "Nothing is built in gateway/static: run `make frontend`, which needs npm.",
    "packaged": "The older GraphiQL is not installed: pip install graphene-django-graphiql-static.",
}


def graphiql_page() -> Response[bytes]:
    """The GraphiQL page, for a browser's GET of /graphql. The same bytes for everyone: it holds no data."""
    return _page("graphiql.html")


def page_routes(assets: PageAssets = "auto") -> list[HTTPRouteHandler]:
    """The handlers for `/v1/docs` and `/graphql/static/…`; they need no sign-in.

    `assets` says which files stand behind the pages; `auto` takes the built ones when they are there.

    Raises:
        FileNotFoundError: `built` or `packaged` was asked for and its files are not there.
    """
    return [*extra_route("/v1/docs", _docs), _asset_route(asset_files(assets))]


def asset_files(assets: PageAssets = "auto") -> dict[str, Path]:
    """Every file that is served, by its name below `/graphql/static/`; nothing else can be asked for.

    Raises:
        FileNotFoundError: see `page_routes`.
    """
    chosen = _chosen_assets(assets)
    files = _servable(WEB, "web") | (_built_files() if chosen == "built" else _packaged_files())
    if assets != "auto" and "ui/graphiql.js" not in files:
        raise FileNotFoundError(NOT_THERE[assets])
    return files


def _chosen_assets(assets: PageAssets) -> PageAssets:
    if assets == "auto":
        return "built" if (BUILT / "graphiql.js").is_file() else "packaged"
    return assets


def _built_files() -> dict[str, Path]:
    return _servable(BUILT, "ui")


def _packaged_files() -> dict[str, Path]:
    """The files of the two packages under the names the pages know, as far as the packages are installed."""
    files: dict[str, Path] = {}
    graphiql = _package_folder("graphene_django_graphiql_static", "static/graphene_django_graphiql_static")
    if graphiql is not None:
        files |= _servable(graphiql, "ui/vendor")
        files["ui/graphiql.js"] = WEB / "packaged" / "graphiql.js"
        files["ui/graphiql.css"] = graphiql / "graphiql.min.css"
    swagger = _package_folder("swagger_ui_bundle", "vendor/swagger-ui-*")
    if swagger is not None:
        files["ui/rest_docs.js"] = WEB / "packaged" / "rest_docs.js"
        files["ui/vendor/swagger-ui.css"] = swagger / "swagger-ui.css"
        files["ui/vendor/swagger-ui-bundle.js"] = swagger / "swagger-ui-bundle.js"
    return files


def _package_folder(package: str, pattern: str) -> Path | None:
    """A folder inside an installed package, found without importing it: one of them would import Django."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return max(Path(spec.submodule_search_locations[0]).glob(pattern), default=None)


def _servable(folder: Path, prefix: str) -> dict[str, Path]:
    return {
        f"{prefix}/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.suffix in MEDIA_TYPES and path.is_file()
    }


class _DocsPage(Answer):
    """The page of the REST API: an answer under /v1 like the others, but for what it is."""

    __slots__ = ()

    def __init__(self, request: AnyRequest) -> None:
        self.status = 200
        self.body = _html("rest_docs.html")
        described = PAGE_HEADERS | {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(self.body)),
        }
        written = ((name.lower().encode(), value.encode()) for name, value in described.items())
        self.headers = [*written, *request_id_header(request)]


async def _docs(request: AnyRequest) -> Answer:
    return _DocsPage(request)


def _page(name: str) -> Response[bytes]:
    return Response(_html(name), status_code=200, media_type="text/html", headers=PAGE_HEADERS)


@cache
def _html(name: str) -> bytes:
    return (WEB / name).read_bytes()


def _asset_route(files: dict[str, Path]) -> HTTPRouteHandler:
    # In a thread: the first request for a file reads and compresses up to four megabytes.
    @get("/graphql/static/{name:path}", include_in_schema=False, sync_to_thread=True)
    def asset(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
        path = files.get(name.lstrip("/"))
        if path is None:
            raise NotFoundException(f"There is no file {name!r} here")
        return _asset_response(path, request)

    return asset


def _asset_response(path: Path, request: Request[Any, Any, Any]) -> Response[bytes]:
    gzipped = path.suffix in GZIPPED and "gzip" in request.headers.get("accept-encoding", "")
    body, etag = _body_and_etag(path, gzipped, path.stat().st_mtime_ns)
    headers = {
        "ETag": etag,
        "Cache-Control": _cache_control(path),
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=MEDIA_TYPES[path.suffix], headers=headers)


@lru_cache(maxsize=128)
def _body_and_etag(path: Path, gzipped: bool, _modified_ns: int) -> tuple[bytes, str]:
    """The bytes to send and their ETag; read again when the file was modified.

    The tag comes from the content: installers give files of different releases the same date.
    """
    content = path.read_bytes()
    tag = hashlib.sha256(content).hexdigest()[:20]
    return (gzip.compress(content, 6, mtime=0), f'"{tag}-gz"') if gzipped else (content, f'"{tag}"')


def _cache_control(path: Path) -> str:
    # Vite puts a hash of the content into the names in assets/; other names stay while their content changes.
    if path.is_relative_to(BUILT / "assets"):
        return "public, max-age=31536000, immutable"
    return "no-cache"
