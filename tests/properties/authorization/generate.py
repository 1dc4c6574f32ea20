"""Policies and requests at random, from few words, so that they often meet."""

from collections.abc import Sequence
from random import Random
from typing import Any

from tests.properties.authorization.reference import Policy, Request

DOMAINS = ("mesh.example", "old.example")  # the mesh's own, and an alias
IDENTITIES = (
    "",
    "mesh.example/ns/app/sa/web",
    "mesh.example/ns/other/sa/batch",
    "old.example/ns/app/sa/web",
    "evil.example/ns/app/sa/web",
)
PEERS = ("127.0.0.1", "127.0.0.2", "127.0.1.1")
CLIENTS = ("", "10.1.2.3", "192.168.7.7")
NAMES = ("", "a.example.com", "b.example.com")
ISSUER, OTHER_ISSUER = "issuer", "https://other.example.com/issuer"
CLAIMS: tuple[dict[str, Any] | None, ...] = (
    None,
    {
        "iss": ISSUER,
        "sub": "alice",
        "aud": ["shop", "bank"],
        "azp": "console",
        "groups": ["admin", "dev"],
        "nested": {"role": "owner", "teams": ["red", "blue"]},
    },
    {"iss": ISSUER, "sub": "bob", "aud": "shop", "groups": "dev"},
    {"iss": OTHER_ISSUER, "sub": "alice", "nested": {"role": "guest"}},
)
METHODS = ("GET", "POST", "DELETE")
HOSTS = ("app.example.com", "APP.example.com", "other.org", "app.example.com:8080")
PATHS = (
    "/", "/public", "/public/a", "/public/a/b", "/admin", "/admin/x", "/Admin", "/file.txt",
    "/public?x=/admin", "/v1/items/7/edit", "/v1/items/7", "/v1/a/b/c/edit",
)  # fmt: skip
HEADERS = ({}, {"x-role": "admin"}, {"x-role": "administrator"}, {"x-role": "user", "x-b": "1"})

FIELDS: dict[str, tuple[str, ...]] = {
    "principals": (
        "mesh.example/ns/app/sa/web", "old.example/ns/app/sa/web", "cluster.local/ns/app/sa/web",
        "*/ns/app/sa/web", "*/sa/batch", "*", "mesh.example/ns/app/*", "evil.example/ns/app/sa/web",
    ),
    "namespaces": ("app", "other", "ap*", "*her", "*"),
    "serviceAccounts": ("web", "app/web", "other/batch", "other/web"),
    "trustDomains": ("mesh.example", "old.example", "*.example", "evil.*", "*"),
    "ipBlocks": ("127.0.0.1", "127.0.0.0/24", "127.0.1.0/24", "10.0.0.0/8"),
    "remoteIpBlocks": ("10.0.0.0/8", "192.168.7.7", "127.0.0.0/16", "0.0.0.0/0"),
    "requestPrincipals": ("issuer/alice", "issuer/*", "*/alice", "*", f"{OTHER_ISSUER}/alice"),
}  # fmt: skip
OPERATIONS: dict[str, tuple[str, ...]] = {
    "hosts": ("app.example.com", "APP.EXAMPLE.*", "*.org", "*", "other.org"),
    "methods": ("GET", "POST", "P*", "*"),
    "paths": (
        "/public", "/public/*", "*/edit", "*.txt", "/", "*", "/admin*", "/v1/items/{*}",
        "/v1/{**}/edit", "/v1/{*}/{*}/edit",
    ),
    "ports": ("PORT", "1"),
}  # fmt: skip
CONDITIONS: dict[str, tuple[str, ...]] = {
    "source.principal": FIELDS["principals"],
    "source.namespace": FIELDS["namespaces"],
    "source.serviceAccount": FIELDS["serviceAccounts"],
    "source.trustDomain": FIELDS["trustDomains"],
    "source.ip": FIELDS["ipBlocks"],
    "remote.ip": FIELDS["remoteIpBlocks"],
    "destination.ip": ("127.0.0.1", "10.0.0.0/8"),
    "destination.port": OPERATIONS["ports"],
    "connection.sni": ("a.example.com", "*.example.com", "b.*", "*"),
    "request.headers[x-role]": ("admin", "admin*", "*user", "*"),
    "request.auth.principal": FIELDS["requestPrincipals"],
    "request.auth.audiences": ("shop", "bank", "ba*", "*"),
    "request.auth.presenter": ("console", "*"),
    "request.auth.claims[groups]": ("admin", "de*", "*"),
    "request.auth.claims[nested][role]": ("owner", "gu*", "*"),
    "request.auth.claims[nested][teams]": ("red", "*ue"),
}
ACTIONS = ("ALLOW", "ALLOW", "ALLOW", "DENY", "DENY", "AUDIT")
DRY_RUNS = 0.15  # share of policies that decide nothing
MOST_POLICIES, MOST_RULES, MOST_ENTRIES, MOST_VALUES = 3, 2, 2, 2


def policies(random: Random, port: int) -> list[Policy]:
    return [_policy(random, index, port) for index in range(random.randint(1, MOST_POLICIES))]


def request(random: Random, *, is_tcp: bool = False) -> Request:
    return Request(
        principal=random.choice(IDENTITIES),
        peer=random.choice(PEERS),
        forwarded="" if is_tcp else random.choice(CLIENTS),
        sni=random.choice(NAMES),
        host=random.choice(HOSTS),
        method=random.choice(METHODS),
        path=random.choice(PATHS),
        headers=random.choice(HEADERS),
        claims=random.choice(CLAIMS),
        is_tcp=is_tcp,
    )


def _policy(random: Random, index: int, port: int) -> Policy:
    spec: dict[str, Any] = {"action": random.choice(ACTIONS)}
    dry = {"istio.io/dry-run": "true"} if random.random() < DRY_RUNS else {}
    count = random.randint(0 if spec["action"] == "ALLOW" else 1, MOST_RULES)
    spec["rules"] = [_rule(random, port) for _ in range(count)]
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": f"policy-{index}", "namespace": "app", "annotations": dry},
        "spec": spec,
    }


def _rule(random: Random, port: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if random.random() < 0.5:
        made["from"] = [{"source": each} for each in _entries(random, FIELDS, port)]
    if random.random() < 0.5:
        made["to"] = [{"operation": each} for each in _entries(random, OPERATIONS, port)]
    if random.random() < 0.4:
        made["when"] = [_condition(random, port) for _ in range(random.randint(1, MOST_ENTRIES))]
    return made


def _entries(random: Random, fields: dict[str, tuple[str, ...]], port: int) -> list[Any]:
    made = []
    for _ in range(random.randint(1, MOST_ENTRIES)):
        entry = {}
        for name in random.sample(sorted(fields), random.randint(1, 2)):
            negated = random.random() < 0.3
            key = f"not{name[0].upper()}{name[1:]}" if negated else name
            entry[key] = _values(random, fields[name], port)
        made.append(entry)
    return made


def _condition(random: Random, port: int) -> dict[str, Any]:
    key = random.choice(sorted(CONDITIONS))
    made: dict[str, Any] = {"key": key}
    if random.random() < 0.7:
        made["values"] = _values(random, CONDITIONS[key], port)
    if len(made) == 1 or random.random() < 0.3:
        made["notValues"] = _values(random, CONDITIONS[key], port)
    return made


def _values(random: Random, words: Sequence[str], port: int) -> list[str]:
    chosen = random.sample(words, random.randint(1, min(MOST_VALUES, len(words))))
    return [str(port) if word == "PORT" else word for word in chosen]
