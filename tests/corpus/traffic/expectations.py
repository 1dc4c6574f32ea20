"""Whether answers are as a case expects: the words of the corpus, each about the answers."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

Answer = dict[str, Any]
PERMISSION_DENIED = "7"  # of gRPC
PROTOCOLS = {"HTTP/1.0": "HTTP/1.0", "HTTP/1.1": "HTTP/1.1", "HTTP/2": "HTTP/2.0"}


def differences(expected: Any, answers: list[Answer]) -> list[str]:
    """Why the answers are not as expected; empty when they are."""
    if isinstance(expected, str):
        expected = {expected: None}
    return [why for word, value in expected.items() for why in _differences(word, value, answers)]


def _differences(word: str, value: Any, answers: list[Answer]) -> list[str]:
    if word == "and":
        return [why for each in value for why in differences(each, answers)]
    if word == "or":
        all_of = [differences(each, answers) for each in value]
        return [] if not all(all_of) else [f"none of: {all_of}"]
    if word == "not":
        return [] if differences(value, answers) else [f"not expected: {value}"]
    if word == "all_responses_from_same_host":
        pods = {_who(answer) for answer in answers}
        return [] if len(pods) == 1 else [f"answers of {sorted(pods)}"]
    if word == "distribution":
        return list(_distribution(value, answers))
    holds = WORDS.get(word)
    if holds is None:
        return [f"the word {word} is not known"]
    return [f"{word} {value}: {_short(answer)}" for answer in answers if not holds(answer, value)]


def _short(answer: Answer) -> str:
    return json.dumps(answer)[:900]


def _ok(answer: Answer, _: Any) -> bool:
    return bool(answer.get("status") == 200)


def _seen(answer: Answer) -> dict[str, Any]:
    try:
        seen = json.loads(answer.get("body", ""))
    except ValueError:
        return {}
    return seen if isinstance(seen, dict) else {}


def _request_header(answer: Answer, pair: list[str]) -> bool:
    return str(_seen(answer).get("headers", {}).get(pair[0].lower(), "")) == pair[1]


def _response_header(answer: Answer, pair: list[str]) -> bool:
    headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
    return str(headers.get(pair[0].lower(), "")) == pair[1]


def _mutual_tls(answer: Answer, wanted: bool) -> bool:
    seen = _seen(answer)
    if not seen or "tls" in seen:  # only HTTP tells
        return True
    return ("x-forwarded-client-cert" in seen["headers"]) is wanted


def _dns(answer: Answer, wanted: list[str] | None) -> bool:
    if not _ok(answer, None):
        return False
    return wanted is None or sorted(json.loads(answer["body"])) == sorted(wanted)


def _url(answer: Answer, wanted: str) -> bool:
    path = str(_seen(answer).get("path", ""))
    return urlsplit(path)._replace(fragment="").geturl() == wanted


def _forbidden(answer: Answer, protocol: str) -> bool:
    """As a policy's refusal shows itself in the protocol."""
    if protocol == "TCP":
        return "error" in answer
    if protocol == "GRPC":
        return bool(answer.get("headers", {}).get("grpc-status") == PERMISSION_DENIED)
    return bool(answer.get("status") == 403)


def _asked_authorizer(answer: Answer, wanted: dict[str, Any]) -> bool:
    """An external authorizer decided: what it adds is in the request, or in its refusal."""
    result = "allowed" if wanted["allowed"] else "denied"
    seen = _seen(answer).get("headers", {}) if wanted["allowed"] else answer.get("headers", {})
    override = {
        "http": "additional-header-override-value",
        "grpc": "grpc-additional-header-override-value",
    }[wanted["provider_api"]]
    found = (
        seen.get("x-ext-authz-check-result"),
        seen.get("x-ext-authz-additional-header-override"),
    )
    return bool(found == (result, override))


WORDS: dict[str, Callable[[Answer, Any], bool]] = {
    "ok": _ok,
    "not_ok": lambda answer, _: not _ok(answer, None),
    "error": lambda answer, _: "error" in answer,
    "no_error": lambda answer, _: "error" not in answer,
    "no_error_and_status": lambda answer, status: answer.get("status") == status,
    "forbidden": _forbidden,
    "body_contains": lambda answer, text: text in answer.get("body", ""),
    "ext_authz_response_headers": _asked_authorizer,
    "status": lambda answer, status: answer.get("status") == status,
    "error_or_status": lambda answer, status: "error" in answer or answer.get("status") == status,
    "host": lambda answer, host: _seen(answer).get("authority") == host,
    "url": _url,
    "protocol": lambda answer, wanted: (
        PROTOCOLS.get(_seen(answer).get("protocol", ""), "") == wanted
    ),
    "alpn": lambda answer, wanted: _seen(answer).get("tls", {}).get("alpn") == wanted,
    "request_header": _request_header,
    "request_headers": lambda answer, wanted: all(
        _request_header(answer, list(pair)) for pair in wanted.items()
    ),
    "response_header": _response_header,
    "response_headers": lambda answer, wanted: all(
        _response_header(answer, list(pair)) for pair in wanted.items()
    ),
    "location_header": lambda answer, wanted: _response_header(
        answer, ["location", wanted.replace("{{.Hostname}}", answer["asked"])]
    ),
    "grpc_status": lambda answer, wanted: (
        answer.get("headers", {}).get("grpc-status") == str(wanted)
    ),
    "mtls_for_http": lambda answer, _: _mutual_tls(answer, True),
    "plaintext_for_http": lambda answer, _: _mutual_tls(answer, False),
    "dns_answers": _dns,
    "reached_target_clusters": _ok,  # there is one cluster
}


def _who(answer: Answer) -> str:
    seen = _seen(answer)
    if seen:
        return str(seen.get("pod", ""))
    return str(answer.get("body", "")).partition(":")[0]


def _distribution(value: dict[str, Any], answers: list[Answer]) -> Iterator[str]:
    yield from differences(value["also"], answers)
    found = Counter(str(_seen(answer).get("workload", "")) for answer in answers)
    for name, percent in value["percent_by_destination"].items():
        share = 100 * found[name] / len(answers)
        if abs(share - percent) > value["tolerance"]:
            yield f"{name} got {share:.0f} percent instead of {percent}"
