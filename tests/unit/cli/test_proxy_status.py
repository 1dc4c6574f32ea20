"""What `lateen proxy-status` compares for one proxy."""

from lateen.cli.proxy_status import is_named, versions

ENVOY = {
    "configs": [
        {"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump"},
        {
            "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
            "static_clusters": [{"cluster": {"name": "xds-grpc"}}],
            "dynamic_active_clusters": [{"version_info": "c1", "cluster": {"name": "a"}}],
        },
        {
            "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
            "dynamic_listeners": [
                {"name": "l", "active_state": {"version_info": "l1", "listener": {"name": "l"}}}
            ],
        },
        {
            "@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
            "dynamic_route_configs": [{"version_info": "r1", "route_config": {"name": "80"}}],
        },
    ]
}
CONTROL = {
    "configs": [
        {
            "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
            "dynamic_listeners": [{"name": "l", "version_info": "l1", "listener": {"name": "l"}}],
        },
    ]
}


def test_versions_of_what_came_by_discovery_are_found_in_envoys_dump() -> None:
    assert versions(ENVOY) == {
        "ClustersConfigDump": {"a": "c1"},
        "ListenersConfigDump": {"l": "l1"},
        "RoutesConfigDump": {"80": "r1"},
    }


def test_they_are_found_in_the_control_planes_dump_the_same_way() -> None:
    assert versions(CONTROL)["ListenersConfigDump"] == {"l": "l1"}


def test_names_go_with_or_without_their_namespace() -> None:
    full = "reviews-v1.shop"

    assert is_named(full, "", "")
    assert is_named(full, "reviews-v1", "")
    assert is_named(full, "reviews-v1.shop", "shop")
    assert not is_named(full, "reviews", "")
    assert not is_named(full, "reviews-v1", "bank")
