from hypothesis import given
from hypothesis import strategies as st

from lateen.envoy import messages, types, wire

TEXT = st.text(max_size=20)
NUMBER = st.integers(0, 2**32 - 1)


@given(name=TEXT, weight=NUMBER, priority=st.integers(0, 128), region=TEXT)
def test_joined_parts_read_as_the_message_would(
    name: str, weight: int, priority: int, region: str
) -> None:
    assignment = types.ClusterLoadAssignment(cluster_name=name)
    place = assignment.endpoints.add(priority=priority)
    place.locality.region = region
    place.load_balancing_weight.value = weight

    body = (
        wire.embedded(1, wire.text(1, region))
        + wire.uint32_value(3, weight)
        + wire.number(5, priority)
    )

    assert wire.text(1, name) + wire.embedded(2, body) == messages.serialize(assignment)
