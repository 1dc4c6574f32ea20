"""`lateen rate-limit`: counts requests for all proxies together."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lateen.rate_limit.settings import ServiceSettings

EXAMPLES = """\
examples:
  lateen rate-limit -f mesh/
  lateen rate-limit --config limits.yaml --redis redis://127.0.0.1:6379/0
  lateen rate-limit -f mesh/ --listen :8081 --discovery istiod.istio-system.svc:15012 \\
      --root-cert root.pem --token token
  lateen rate-limit -f mesh/ --config-map istio-system/ratelimit-config

`lateen up` starts one by itself where a RateLimit has global rules.
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "rate-limit",
        help="count requests for all proxies together",
        description="A server of Envoy's rate limit protocol (v3). Its limits come from RateLimits "
        "in watched folders, from questions that carry their own, and from configurations of "
        "Envoy's reference server.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-f", "--file", dest="folders", metavar="FOLDER", action="append", default=[],
        help="a folder (recursive) or file with RateLimits to read and watch; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--config", dest="configs", metavar="FILE", action="append", default=[],
        help="limits as Envoy's reference server has them (domain, descriptors); may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--config-map", dest="config_maps", metavar="NAMESPACE/NAME", action="append", default=[],
        help="the same from a ConfigMap of the folders, followed when it changes; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--listen", default="127.0.0.1:8081", metavar="HOST:PORT",
        help="where proxies ask; without --discovery on loopback only (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--admin-address", default="127.0.0.1:6070", metavar="HOST:PORT|unix:PATH",
        help="/ready and /metrics on loopback, with /limits on a unix socket; empty: none "
        "(default: %(default)s)",
    )  # fmt: skip
    _add_identity(parser)
    _add_store(parser)
    parser.add_argument("--namespace", default="default", help="of objects that name none")
    parser.add_argument("--root-namespace", default="istio-system", metavar="NAMESPACE")
    parser.add_argument(
        "--drain-seconds", type=float, default=5.0, metavar="SECONDS",
        help="for questions on their way when it is told to stop (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--log-level", default="warning", choices=["debug", "info", "warning", "error"],
        help="least important messages to print (default: warning)",
    )  # fmt: skip


def _add_identity(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "mutual TLS", "with an identity of the mesh; callers need one, too"
    )
    group.add_argument(
        "--discovery", default="", metavar="HOST:PORT", help="the control plane's secure port"
    )
    group.add_argument("--root-cert", default="", metavar="FILE", help="what it is verified with")
    group.add_argument("--token", default="", metavar="FILE", help="proves who this service is")
    group.add_argument(
        "--trust-domain", dest="trust_domains", metavar="DOMAIN", action="append", default=[],
        help="another trust domain whose callers are answered; may be repeated",
    )  # fmt: skip


def _add_store(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("counters")
    group.add_argument(
        "--redis", default="", metavar="URL",
        help="count in Redis, for several servers: redis://, rediss:// or unix:// "
        "(default: in memory); a password is better in $REDIS_PASSWORD than here",
    )  # fmt: skip
    group.add_argument(
        "--redis-timeout", type=float, default=0.05, metavar="SECONDS",
        help="for Redis to answer (default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--when-redis-fails", default="error", choices=["error", "memory"],
        help="error: no answer, and the failureMode of the RateLimit decides; memory: count here "
        "until Redis is back (default: error)",
    )  # fmt: skip
    group.add_argument(
        "--window", default="fixed", choices=["fixed", "sliding"],
        help="count in whole units of the clock, or in the last unit from now (default: fixed)",
    )  # fmt: skip
    group.add_argument(
        "--counters", type=int, default=200_000, metavar="N",
        help="so many at most in memory, about 200 bytes each (default: %(default)s)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    import sys

    from lateen.base import logs

    wrong = _mistake(arguments)
    if wrong:
        print(f"lateen rate-limit: {wrong}", file=sys.stderr)
        return 2
    logs.to_stderr(arguments.log_level)

    from lateen.rate_limit import process

    return process.run(_settings(arguments))


def _mistake(arguments: argparse.Namespace) -> str:
    if arguments.discovery and not (arguments.root_cert and arguments.token):
        return "--discovery needs --root-cert and --token"
    if arguments.config_maps and not arguments.folders:
        return "--config-map needs a folder to find it in; name one with -f"
    for name in arguments.config_maps:
        if name.count("/") != 1:
            return f"--config-map {name}: write NAMESPACE/NAME"
    if arguments.counters < 1 or arguments.redis_timeout <= 0 or arguments.drain_seconds < 0:
        return "--counters, --redis-timeout and --drain-seconds must be positive"
    return ""


def _settings(arguments: argparse.Namespace) -> "ServiceSettings":
    from pathlib import Path

    from lateen.agent.settings import DiscoverySettings
    from lateen.control.http import parse_admin_address
    from lateen.rate_limit.settings import ServiceSettings, WhenRedisFails, Window
    from lateen.xds.transport.listener import parse_address

    admin = parse_admin_address(arguments.admin_address) if arguments.admin_address else None
    discovery = None
    if arguments.discovery:
        discovery = DiscoverySettings(
            address=arguments.discovery, root_cert=arguments.root_cert, token=arguments.token
        )
    maps = (name.split("/") for name in arguments.config_maps)
    return ServiceSettings(
        folders=tuple(map(Path, arguments.folders)),
        config_files=tuple(map(Path, arguments.configs)),
        config_maps=tuple((namespace, name) for namespace, name in maps),
        listen=parse_address(arguments.listen),
        admin=admin,
        discovery=discovery,
        trust_domains=tuple(arguments.trust_domains),
        redis=arguments.redis,
        redis_seconds=arguments.redis_timeout,
        when_redis_fails=WhenRedisFails(arguments.when_redis_fails),
        window=Window(arguments.window),
        counters=arguments.counters,
        namespace=arguments.namespace,
        root_namespace=arguments.root_namespace,
        drain_seconds=arguments.drain_seconds,
    )
