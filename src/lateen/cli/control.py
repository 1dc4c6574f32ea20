"""`lateen control`: the control plane alone, in the foreground."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from lateen.config.folder import FolderSource
    from lateen.control.audit_output import AuditSettings
    from lateen.control.plane import Source
    from lateen.control.settings import ControlSettings

EXAMPLES = """\
examples:
  lateen control -f mesh/
  lateen control -f mesh/ --secure-xds-address :15012 --state /var/lib/lateen
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "control",
        help="run the control plane alone",
        description="Reads folders of manifests, watches them, and keeps proxies up to date.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-f", "--file", dest="folders", metavar="FOLDER", action="append", default=[],
        help="a folder (recursive) or file to read and watch; may be repeated",
    )  # fmt: skip
    parser.add_argument("paths", nargs="*", metavar="FOLDER", help="more folders and files")
    parser.add_argument(
        "--xds-address", default="127.0.0.1:15010", metavar="HOST:PORT",
        help="plaintext discovery for tools, on loopback only; empty: none (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--secure-xds-address", default="", metavar="HOST:PORT",
        help="discovery and certificates over TLS, for agents, such as :15012",
    )  # fmt: skip
    parser.add_argument(
        "--admin-address", default="127.0.0.1:15014", metavar="HOST:PORT|unix:PATH",
        help="readiness, metrics and debug pages; debug pages need the token of the state folder, "
        "addresses beyond loopback a certificate; empty: none (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--admin-identity", dest="admin_identities", metavar="NAMESPACE/ACCOUNT",
        action="append", default=[],
        help="who may use the admin interface beyond loopback, by certificate; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--authentication", default="", metavar="FILE",
        help="further issuers of tokens: public keys, TokenReview "
        "(see docs/security/control-plane.md)",
    )  # fmt: skip
    parser.add_argument(
        "--secrets", metavar="DIR", action="append", default=[],
        help="gateway certificates: DIR/NAMESPACE/NAME/tls.crt, tls.key, ca.crt; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--vault-secrets", default="", metavar="FILE",
        help="gateway certificates out of OpenBao or Vault (see docs/security/control-plane.md)",
    )  # fmt: skip
    parser.add_argument(
        "--gateway-identity", dest="gateway_identities", metavar="NAMESPACE/ACCOUNT",
        action="append", default=[],
        help="who may be a gateway without a pod that is one; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--audit", default="", metavar="DIR",
        help="keep the audit trail there (default: audit/ of the state folder, when "
        "--secure-xds-address is given)",
    )  # fmt: skip
    parser.add_argument(
        "--audit-key", default="", metavar="FILE",
        help="a secret, kept with the auditor too, without which the trail cannot be forged",
    )  # fmt: skip
    parser.add_argument(
        "--audit-files", type=int, default=30, metavar="N",
        help="files of 16 MB or a day that are kept (default: 30)",
    )  # fmt: skip
    parser.add_argument(
        "--state", default="", metavar="DIR",
        help="where authority and keys are kept (default: the user's state folder)",
    )  # fmt: skip
    parser.add_argument(
        "--server-name", dest="server_names", metavar="NAME", action="append", default=[],
        help="a further name or address by which agents reach the secure port; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--authority", default="", metavar="FILE",
        help="how certificates are signed: a plugged-in authority, keys encrypted at rest, Vault "
        "(default: a root of our own; see docs/security/certificates.md)",
    )  # fmt: skip
    parser.add_argument("--mesh-config", default="", metavar="FILE", help="a MeshConfig document")
    parser.add_argument("--namespace", default="default", help="of objects that name none")
    parser.add_argument("--root-namespace", default="istio-system", metavar="NAMESPACE")
    parser.add_argument("--trust-domain", default="", metavar="DOMAIN")
    parser.add_argument(
        "--service-cidr", default="", metavar="CIDR",
        help="give addresses of this range to Services that have none",
    )  # fmt: skip
    parser.add_argument(
        "--balancer-address", default="", metavar="ADDRESS",
        help="where Services of type LoadBalancer that have no address of their own are offered: "
        "told in the statuses of Gateways and Ingresses",
    )  # fmt: skip
    parser.add_argument(
        "--service-step", type=int, default=1, metavar="N",
        help="distance between two of those addresses (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--multiple-custom-providers", action=argparse.BooleanOptionalAction,
        default=_is_on("PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS"),
        help="let several external authorizers decide for one workload; otherwise what the "
        "policies cover is denied (default: $PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS, or no)",
    )  # fmt: skip
    _add_key_options(parser)
    parser.add_argument(
        "--host-ownership", choices=["istio", "strict"], default="istio",
        help="strict: VirtualServices and ServiceEntries for hosts of other namespaces count for "
        "their own namespace's clients only, and Gateways run on their own namespace's pods "
        "(default: istio, as Istio does; what would have mattered is reported)",
    )  # fmt: skip
    parser.add_argument(
        "--scope-gateways", action=argparse.BooleanOptionalAction,
        default=_is_on("PILOT_SCOPE_GATEWAY_TO_NAMESPACE"),
        help="Gateways run on their own namespace's pods "
        "(default: $PILOT_SCOPE_GATEWAY_TO_NAMESPACE, or no)",
    )  # fmt: skip
    parser.add_argument(
        "--decision-log", default="", metavar="FILE",
        help="where proxies write what their policies refused or would refuse, such as "
        "/dev/stdout (default: nowhere)",
    )  # fmt: skip
    parser.add_argument(
        "--decisions", choices=["refused", "all"], default="refused",
        help="which decisions of policies proxies write there: with all also what they allowed, "
        "a line for each request (default: refused)",
    )  # fmt: skip
    parser.add_argument(
        "--log-level", default="warning", choices=["debug", "info", "warning", "error"],
        help="least important messages to print (default: warning)",
    )  # fmt: skip


def _add_key_options(parser: argparse.ArgumentParser) -> None:
    """Each lays over the environment variable that says the same."""
    keys = parser.add_argument_group("keys of tokens (RequestAuthentication)")
    keys.add_argument(
        "--jwks-fetcher", choices=["off", "hybrid", "envoy"], default=None,
        help="who fetches a jwksUri: the control plane (off), the proxy where it leads to a "
        "service of the mesh (hybrid), the proxy only (envoy) "
        "(default: $PILOT_JWT_ENABLE_REMOTE_JWKS, or hybrid)",
    )  # fmt: skip
    keys.add_argument(
        "--jwks-refresh", metavar="DURATION", default=None,
        help="between two fetches (default: $PILOT_JWT_PUB_KEY_REFRESH_INTERVAL, or 20m)",
    )  # fmt: skip
    keys.add_argument(
        "--jwks-age-limit", metavar="DURATION", default=None,
        help="how long keys stay good when they cannot be fetched again "
        "(default: $LATEEN_JWKS_AGE_LIMIT, or 24h)",
    )  # fmt: skip
    keys.add_argument(
        "--jwks-allow", metavar="HOST|CIDR", action="append", default=[],
        help="fetch from here though the address is loopback or link-local; may be repeated "
        "(also: $LATEEN_JWKS_ALLOW)",
    )  # fmt: skip
    keys.add_argument(
        "--jwks-deny", metavar="CIDR", action="append", default=[],
        help="never fetch from here; may be repeated (also: $LATEEN_JWKS_DENY)",
    )  # fmt: skip
    keys.add_argument(
        "--jwks-ca", metavar="FILE", default=None,
        help="PEM file of authorities to trust besides the system's (default: $LATEEN_JWKS_CA)",
    )  # fmt: skip


def _key_environment(arguments: argparse.Namespace) -> dict[str, str]:
    """What the environment says of keys, with the options laid over it."""
    import os

    from lateen.jwks import settings

    found = dict(os.environ)
    given = {
        settings.MODE: arguments.jwks_fetcher,
        settings.REFRESH: arguments.jwks_refresh,
        settings.AGE_LIMIT: arguments.jwks_age_limit,
        settings.AUTHORITIES: arguments.jwks_ca,
    }
    found |= {name: value for name, value in given.items() if value is not None}
    for name, words in (
        (settings.ALLOW, arguments.jwks_allow),
        (settings.DENY, arguments.jwks_deny),
    ):
        found[name] = " ".join((found.get(name, ""), *words))
    return found


def _is_on(variable: str) -> bool:
    """A switch of Istio's control plane, set where ours is started."""
    import os

    return os.environ.get(variable, "").lower() in ("true", "1", "t")


def run(arguments: argparse.Namespace) -> int:
    import sys

    from lateen.base import logs

    folders = [*arguments.folders, *arguments.paths]
    if not folders:
        print("lateen control: name a folder to read with -f", file=sys.stderr)
        return 2
    logs.to_stderr(arguments.log_level)
    settings = _settings(arguments, folders)

    from lateen.config.folder import FolderSource
    from lateen.control import process

    source = FolderSource(settings.folders, namespace=arguments.namespace)
    return process.run(settings, _with_secrets(arguments, source))


def _settings(arguments: argparse.Namespace, folders: list[str]) -> "ControlSettings":
    from pathlib import Path

    from lateen.ca import options as authority
    from lateen.control import authentication
    from lateen.control.http import parse_admin_address
    from lateen.control.settings import ControlSettings, default_state
    from lateen.jwks.settings import MODE, fetcher, read_settings
    from lateen.view.mesh import HostOwnership, Settings
    from lateen.xds.transport.listener import parse_address

    def address(text: str) -> Any:
        return parse_address(text) if text else None

    state = Path(arguments.state) if arguments.state else default_state()
    key_environment = _key_environment(arguments)
    return ControlSettings(
        folders=tuple(map(Path, folders)),
        state=state,
        xds_address=address(arguments.xds_address),
        secure_xds_address=address(arguments.secure_xds_address),
        admin_address=(
            parse_admin_address(arguments.admin_address) if arguments.admin_address else None
        ),
        admin_identities=tuple(arguments.admin_identities),
        authentication=(
            authentication.read(Path(arguments.authentication))
            if arguments.authentication
            else authentication.AuthenticationOptions()
        ),
        gateway_identities=tuple(arguments.gateway_identities),
        audit=_audit(arguments, state),
        server_names=tuple(arguments.server_names),
        authority=(
            authority.read(Path(arguments.authority))
            if arguments.authority
            else authority.AuthorityOptions()
        ),
        keys=read_settings(key_environment),
        mesh=Settings(
            root_namespace=arguments.root_namespace,
            trust_domain=arguments.trust_domain,
            mesh_config=(
                Path(arguments.mesh_config).read_text() if arguments.mesh_config else None
            ),
            service_cidr=arguments.service_cidr,
            service_step=arguments.service_step,
            balancer_address=arguments.balancer_address,
            decision_log=arguments.decision_log,
            logs_all_decisions=arguments.decisions == "all",
            host_ownership=HostOwnership(arguments.host_ownership),
            scope_gateways=arguments.scope_gateways,
            multiple_custom_providers=arguments.multiple_custom_providers,
            key_fetcher=fetcher(key_environment.get(MODE, "")),
        ),
    )


def _audit(arguments: argparse.Namespace, state: "Path") -> "AuditSettings":
    """Tools that use the plaintext port alone leave no trail unless it is asked for."""
    from pathlib import Path

    from lateen.audit.trail import Retention
    from lateen.control.audit_output import AuditSettings

    folder = Path(arguments.audit) if arguments.audit else None
    if folder is None and arguments.secure_xds_address:
        folder = state / "audit"
    return AuditSettings(
        folder=folder,
        key_file=Path(arguments.audit_key) if arguments.audit_key else None,
        retention=Retention(most_files=max(1, arguments.audit_files)),
    )


def _with_secrets(arguments: argparse.Namespace, manifests: "FolderSource") -> "Source":
    """The manifests, and what else holds gateway certificates."""
    from pathlib import Path

    if not arguments.secrets and not arguments.vault_secrets:
        return manifests

    from lateen.base.clock import system_clock
    from lateen.control import vault_secrets
    from lateen.control.secret_folder import SecretFolder
    from lateen.control.sources import BatchSource, CombinedSource

    places: list[BatchSource] = [SecretFolder(Path(folder)) for folder in arguments.secrets]
    if arguments.vault_secrets:
        options = vault_secrets.read(Path(arguments.vault_secrets))
        places.append(vault_secrets.VaultSecrets(options, system_clock))
    return CombinedSource(manifests, places)
