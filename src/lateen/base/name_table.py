"""The DNS name table that the control plane sends agents: `istio.networking.nds.v1.NameTable`.

    table: host name -> NameInfo {ips, registry, shortname, namespace, alt_hosts}

`shortname` and `namespace` are set for Kubernetes services; the agent derives from them the short
forms that the search list of a pod produces. `alt_hosts` are further names of the same host.
"""

from typing import Any

from lateen.base.protobuf import Field, declare

TYPE_URL = "type.googleapis.com/istio.networking.nds.v1.NameTable"

_MESSAGES = declare(
    "istio.networking.nds.v1",
    {
        "NameTable": {"table": Field(1, "map<string, NameInfo>")},
        "NameInfo": {
            "ips": Field(1, "repeated string"),
            "registry": Field(2, "string"),
            "shortname": Field(3, "string"),
            "namespace": Field(4, "string"),
            "alt_hosts": Field(5, "repeated string"),
        },
    },
)
NameTable: Any = _MESSAGES["NameTable"]
NameInfo: Any = _MESSAGES["NameInfo"]
