"""Which statistics Envoy keeps, and the labels it cuts out of their names.

Every statistic of every cluster would cost more memory and time than the cluster itself, so only
Istio's set is kept; the user may ask for more.
"""

import re
from typing import Any

from lateen.agent.bootstrap.proxy_config import Wishes

PREFIXES = (
    "reporter=",
    "cluster_manager",
    "listener_manager",
    "server",
    "cluster.xds-grpc",
    "wasm",
)
SUFFIXES = ("rbac.allowed", "rbac.denied", "shadow_allowed", "shadow_denied")
CLOSING_PREFIXES = ("component", "istio")

TAGS = (  # the first group is cut from the name, the second is the label's value
    ("cluster_name", r"^cluster(\.(.+);)"),
    (
        "http_conn_manager_prefix",
        r"^http\.(((?:[_.[:digit:]\w]*|[_\[\]aAbBcCdDeEfF[:digit:]\w\:]*));\.)",
    ),
    ("thread_name", r"^server(\.(.+))\.watchdog"),
    ("tcp_prefix", r"^tcp\.((.*?)\.)\w+?$"),
    ("response_code", r"_rq(_(\d{3}))$"),
    ("response_code_class", r"_rq(_(\dxx))$"),
    (
        "http_conn_manager_listener_prefix",
        r"^listener(?=\.).*?\.http\.(((?:[_.[:digit:]]*|[_\[\]aAbBcCdDeEfF[:digit:]]*))\.)",
    ),
    (
        "listener_address",
        r"^listener\.(((?:[_.[:digit:]]*|[_\[\]aAbBcCdDeEfF[:digit:]]*))\.)",
    ),
    ("mongo_prefix", r"^mongo\.(.+?)\.(collection|cmd|cx_|op_|delays_|decoding_)(.*?)$"),
    ("cache", r"(cache\.(.+?)\.)"),
    ("component", r"(component\.(.+?)\.)"),
    ("tag", r"(tag\.(.+?);\.)"),
    ("wasm_filter", r"(wasm_filter\.(.+?)\.)"),
    ("authz_enforce_result", r"rbac(\.(allowed|denied))"),
    ("authz_dry_run_action", r"(\.istio_dry_run_(allow|deny)_)"),
    ("authz_dry_run_result", r"(\.shadow_(allowed|denied))"),
)


def _cut(tag: str) -> str:
    """A label as Istio writes it into names: `source_app.=.web;.`"""
    name = re.escape(tag)
    return rf"({name}\.=\.(.*?);\.)"


def stats_config(wished: Wishes) -> dict[str, Any]:
    prefixes, suffixes = (*PREFIXES, *wished.stats_prefixes), (*SUFFIXES, *wished.stats_suffixes)
    regexes = (r"vhost\..*\.route\..*", *wished.stats_regexes)
    patterns = [
        *({"prefix": prefix} for prefix in prefixes),
        *({"suffix": suffix} for suffix in suffixes),
        *({"safe_regex": {"regex": regex}} for regex in regexes),
        *({"prefix": prefix} for prefix in CLOSING_PREFIXES),
    ]
    buckets = [
        {"match": {"prefix": prefix}, "buckets": list(edges)}
        for prefix, edges in wished.histogram_buckets
    ]
    return {
        **({"histogram_bucket_settings": buckets} if buckets else {}),
        "use_all_default_tags": False,
        "stats_tags": [
            {"tag_name": name, "regex": regex}
            for name, regex in (*TAGS, *((tag, _cut(tag)) for tag in wished.extra_tags))
        ],
        "stats_matcher": {"inclusion_list": {"patterns": patterns}},
    }
