"""Metrics as Prometheus reads them."""

from lateen.base.metrics import Registry


def test_counters_and_gauges_are_written_with_their_labels() -> None:
    registry = Registry()
    pushes = registry.counter("pushes", "Pushes.", "type")
    pushes.labels("cds").add()
    pushes.labels("cds").add(2)
    registry.gauge("size", "Size.").labels().set(0.5)
    registry.read_gauge("asked", "Asked.", lambda: 7)
    assert registry.text() == (
        "# HELP pushes Pushes.\n# TYPE pushes counter\n"
        'pushes{type="cds"} 3\n'
        "# HELP size Size.\n# TYPE size gauge\n"
        "size 0.5\n"
        "# HELP asked Asked.\n# TYPE asked gauge\n"
        "asked 7\n"
    )


def test_histogram_counts_up_to_each_bound() -> None:
    registry = Registry()
    seconds = registry.histogram("seconds", "Seconds.", bounds=(0.1, 1.0)).buckets()
    seconds.observe(0.1)
    seconds.observe(0.5, 2)
    seconds.observe(3)
    lines = registry.text().splitlines()[2:]
    assert lines == [
        'seconds_bucket{le="0.1"} 1',
        'seconds_bucket{le="1"} 3',
        'seconds_bucket{le="+Inf"} 4',
        "seconds_sum 4.1",
        "seconds_count 4",
    ]


def test_label_values_are_escaped() -> None:
    registry = Registry()
    registry.counter("errors", "Errors.", "text").labels('a "b"\n\\').add()
    assert registry.text().splitlines()[-1] == 'errors{text="a \\"b\\"\\n\\\\"} 1'


def test_a_metric_declared_twice_is_the_same() -> None:
    registry = Registry()
    first = registry.counter("n", "N.")
    assert registry.counter("n", "N.") is first


def test_nothing_declared_is_an_empty_text() -> None:
    assert Registry().text() == ""
