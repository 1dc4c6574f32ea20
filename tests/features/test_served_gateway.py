"""A real Envoy as a gateway: what it listens on, its certificates, its routes, all from ADS."""

import asyncio
import datetime
import socket
import ssl
import textwrap

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.features.proofs import client_certificate
from tests.features.running_plane import control_plane, envoy, run, until

pytestmark = pytest.mark.envoy

ROUTER = "router~10.9.8.7~edge-1.shop~shop.svc.cluster.local"
LABELS = {"NAMESPACE": "shop", "LABELS": {"istio": "edge"}}
MESH = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: edge}
  servers:
  - port: {number: %(http)s, name: http, protocol: HTTP}
    hosts: [a.example.com]
  - port: {number: %(https)s, name: https, protocol: HTTPS}
    hosts: [a.example.com]
    tls: {mode: SIMPLE, credentialName: edge-cert}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: shop}
spec:
  hosts: [a.example.com]
  gateways: [edge]
  http:
  - match: [{uri: {prefix: /teapot}}]
    directResponse: {status: 418, body: {string: short and stout}}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: edge-cert, namespace: shop}
stringData:
  tls.crt: |
%s
  tls.key: |
%s
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def secret(number: int) -> str:
    """A self-signed certificate of that serial number."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return SECRET % (textwrap.indent(pem, "    "), textwrap.indent(private, "    "))


async def status(port: int, path: str, *, tls: ssl.SSLContext | None = None) -> int:
    """Of a GET; 0 when there is nobody to answer."""
    host = "a.example.com"
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname=host if tls else None
        )
    except OSError:
        return 0
    writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
    head = await reader.readline()
    writer.close()
    return int(head.split()[1]) if head else 0


async def serial_number(port: int) -> int:
    """Of the certificate that the gateway shows; 0 when it shows none."""
    context = trusting()
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname="a.example.com"
        )
    except OSError:
        return 0
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(shown).serial_number


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_a_gateway_serves_http_and_https_and_follows_routes_and_certificates() -> None:
    ports = {"http": free_port(), "https": free_port()}
    text = MESH % ports

    async def main() -> None:
        async with (
            control_plane(
                text + "---" + secret(1), secure=True, gateways=("shop/front",)
            ) as control,
            envoy(
                control.secure_port,
                node=ROUTER,
                metadata=LABELS,
                certificate=await client_certificate(control),
            ) as proxy,
        ):

            async def teapot() -> bool:
                return await status(ports["http"], "/teapot") == 418

            await until(teapot, "the direct response over HTTP")
            assert await status(ports["http"], "/other") == 404
            assert await status(ports["https"], "/teapot", tls=trusting()) == 418
            assert await serial_number(ports["https"]) == 1

            control.source.write(secret(2))

            async def renewed() -> bool:
                return await serial_number(ports["https"]) == 2

            await until(renewed, "the new certificate")
            control.source.write(text.replace("status: 418", "status: 420"))

            async def changed() -> bool:
                return await status(ports["http"], "/teapot") == 420

            await until(changed, "the new route")
            assert await proxy.statistic("listener_manager.lds.update_rejected") == 0

    run(main)
