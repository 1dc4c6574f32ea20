"""Counters, gauges and histograms, and their Prometheus text.

A metric is declared once, at the top of the module that moves it, in the registry that it is given.
Keep the child that `labels` returns; looking it up for every event costs more than the event.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator

DURATION_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 5.0, 10.0, 30.0)


class Number:
    """One time series: a counter or a gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        self.value += amount

    def set(self, value: float) -> None:
        self.value = value


class Buckets:
    """One histogram."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times


class Metric:
    """A family of series that differ in their labels."""

    def __init__(self, name: str, help_text: str, kind: str, label_names: tuple[str, ...]) -> None:
        self.name = name
        self.help_text = help_text
        self.kind = kind
        self.label_names = label_names
        self.bounds: tuple[float, ...] = ()
        self.read: Callable[[], float] | None = None
        self._numbers: dict[tuple[str, ...], Number] = {}
        self._buckets: dict[tuple[str, ...], Buckets] = {}

    def labels(self, *values: str) -> Number:
        found = self._numbers.get(values)
        if found is None:
            assert len(values) == len(self.label_names), f"{self.name} needs {self.label_names}"
            found = self._numbers[values] = Number()
        return found

    def buckets(self, *values: str) -> Buckets:
        found = self._buckets.get(values)
        if found is None:
            found = self._buckets[values] = Buckets(self.bounds)
        return found

    def forget(self, *values: str) -> None:
        self._numbers.pop(values, None)

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.help_text}"
        yield f"# TYPE {self.name} {self.kind}"
        if self.read is not None:
            yield f"{self.name} {_number(self.read())}"
        for values, number in self._numbers.items():
            yield f"{self.name}{self._labels(values)} {_number(number.value)}"
        for values, buckets in self._buckets.items():
            yield from self._histogram(values, buckets)

    def _histogram(self, values: tuple[str, ...], buckets: Buckets) -> Iterator[str]:
        running = 0
        for bound, count in zip((*buckets.bounds, None), buckets.counts, strict=True):
            running += count
            edge = "+Inf" if bound is None else _number(bound)
            yield f"{self.name}_bucket{self._labels(values, le=edge)} {running}"
        yield f"{self.name}_sum{self._labels(values)} {_number(buckets.sum)}"
        yield f"{self.name}_count{self._labels(values)} {running}"

    def _labels(self, values: tuple[str, ...], **more: str) -> str:
        pairs = [*zip(self.label_names, values, strict=True), *more.items()]
        text = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
        return f"{{{text}}}" if text else ""


class Registry:
    """The metrics of one process, in the order in which they were declared."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}

    def counter(self, name: str, help_text: str, *label_names: str) -> Metric:
        return self._metric(name, help_text, "counter", label_names)

    def gauge(self, name: str, help_text: str, *label_names: str) -> Metric:
        return self._metric(name, help_text, "gauge", label_names)

    def read_gauge(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """A gauge that is asked for its value when the metrics are."""
        self._metric(name, help_text, "gauge", ()).read = read

    def histogram(
        self, name: str, help_text: str, *label_names: str, bounds: tuple[float, ...]
    ) -> Metric:
        metric = self._metric(name, help_text, "histogram", label_names)
        metric.bounds = bounds
        return metric

    def text(self) -> str:
        """Prometheus text format, version 0.0.4."""
        return "\n".join(line for metric in self._metrics.values() for line in metric.lines()) + (
            "\n" if self._metrics else ""
        )

    def _metric(self, name: str, help_text: str, kind: str, label_names: tuple[str, ...]) -> Metric:
        found = self._metrics.get(name)
        if found is None:
            found = self._metrics[name] = Metric(name, help_text, kind, label_names)
        return found


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
