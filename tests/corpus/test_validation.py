"""Suite `validation`: single resources, and whether they are acceptable.

A case passes when the verdict is the one expected and, where the corpus says so, a warning is
there or not. The wording of messages is our own.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from lateen.api.mesh_config import DEFAULTS, MeshConfig
from lateen.api.mesh_networks import MeshNetworks
from lateen.api.mesh_proxy_config import AuthenticationPolicy
from lateen.base.problem import Problem, Severity
from lateen.cli.patch_values import check_patch_values
from lateen.config.decode import decode
from lateen.config.documents import documents
from lateen.config.examine import examine
from lateen.config.mesh_config import effective
from lateen.config.validation import http, load_balancer, mesh_proxy_config, names, ports
from lateen.config.validation.extension_provider import service_fault
from lateen.config.validation.mesh_config import check_mesh_config, trust_domain_fault
from lateen.config.validation.mesh_networks import check_networks
from lateen.config.validation.report import Report
from tests.corpus import passing

SUITE = "validation"


def test_every_listed_case_passes(update_passing: bool) -> None:
    folder = passing.corpus_folder()
    assert folder is not None
    verdicts = {
        case["name"]: verdict(case)
        for file in sorted(Path(folder, SUITE, "cases").glob("*.yaml"))
        for case in yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
        if "unjudged" not in case
    }
    scalars = Path(folder, SUITE, "scalars.yaml").read_text()
    verdicts |= {
        case["name"]: scalar_verdict(case)
        for case in yaml.load(scalars, Loader=yaml.CSafeLoader)
        if "unjudged" not in case
    }

    passing.check(SUITE, verdicts, update=update_passing)


def verdict(case: dict[str, Any]) -> str:
    """Why the case fails, or nothing."""
    problems = list(problems_of(expanded(case["resource"])))
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    warnings = [problem for problem in problems if problem.severity is Severity.WARNING]
    told = "; ".join(str(problem) for problem in problems) or "no problem"
    expect = case["expect"]
    if (expect == "problem" and not problems) or (expect == "error" and not errors):
        return f"{expect} expected, {told}"
    if expect == "valid" and errors:
        return f"valid expected, {told}"
    if expect != "error" and case["warning"] is True and not warnings:
        return f"warning expected, {told}"
    if not case.get("fragment") and case["warning"] is False and expect == "valid" and warnings:
        return f"no warning expected, {told}"
    return ""


def expanded(value: Any) -> Any:
    """`$repeat` and `$base64` written out."""
    if isinstance(value, list):
        return [expanded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        return value["$repeat"]["text"] * value["$repeat"]["count"]
    if "$base64" in value:
        return base64.b64encode(expanded(value["$base64"]).encode()).decode()
    return {key: expanded(item) for key, item in value.items()}


def problems_of(resource: dict[str, Any]) -> Iterator[Problem]:
    if resource.get("kind") == "MeshConfig":
        yield from mesh_config_problems(resource)
    elif resource.get("kind") == "MeshNetworks":
        networks, problems = decode(resource["meshNetworks"], MeshNetworks, path="", strict=True)
        report = Report()
        check_networks(report, networks or MeshNetworks())
        yield from (*problems, *report.problems)
    else:
        resource.setdefault("metadata", {}).setdefault("name", "case")
        for document in examine(documents(json.dumps(resource), strict=True), check_patch_values):
            yield from document.problems


def mesh_config_problems(resource: dict[str, Any]) -> Iterator[Problem]:
    if resource.get("merged_over_defaults") is False:
        config, problems = decode(resource["mesh"], MeshConfig, path="", strict=True)
        if set(resource["mesh"]) == {"defaultConfig"} and config is not None:
            # What is asked is whether that part is sound, as it stands.
            config = msgspec.structs.replace(DEFAULTS, default_config=config.default_config)
    else:
        config, problems = effective(resource["mesh"], strict=True)
    report = Report()
    if config is not None:
        check_mesh_config(report, config)
    yield from (*problems, *report.problems)


def scalar_verdict(case: dict[str, Any]) -> str:
    valid = is_valid(case["check"], case["input"])
    return "" if valid == case["valid"] else f"found {'valid' if valid else 'invalid'}"


def is_valid(check: str, value: Any) -> bool:
    report = Report()
    match check:
        case "header-name-strict":
            return not http.strict_header_name_fault(value)
        case "header-name-or-jwt-claim":
            return not http.matched_header_fault(value)
        case "header-value-format":
            return not http.header_value_fault(value)
        case "http-status":
            http.check_status(report, "", value)
        case "port-name":
            ports.check_port_name(report, "", value)
        case "port":
            names.check_port(report, "", value)
        case "fqdn":
            return names.is_fqdn(value)
        case "control-plane-auth-policy":
            members = list(AuthenticationPolicy)
            policy = value if isinstance(value, str) else str(members[value : value + 1])
            return mesh_proxy_config.is_auth_policy(policy)
        case "proxy-address":
            return not mesh_proxy_config.address_fault(value)
        case "wildcard-domain":
            return not names.wildcard_domain_fault(value)
        case "vs-gateway-host" | "vs-gateway-host(sni,host)":
            return not names.gateway_host_fault(value[1], by_sni=value[0])
        case "trust-domain":
            return not trust_domain_fault(value)
        case "locality-list":
            load_balancer.check_localities(report, "", value)
        case "ip-address":
            return names.is_ip(value)
        case "ip-subnet":
            return names.is_subnet(value)
        case "extension-provider-service":
            return not service_fault(value)
        case _:
            return not value  # a check of a setting that no resource has
    return not report.problems
