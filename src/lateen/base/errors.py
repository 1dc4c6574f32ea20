"""The root of Lateen's exceptions: the program's own trouble, never a user's mistake in YAML.

A mistake in configuration is a `base.problem.Problem`, which is data.
"""


class LateenError(Exception):
    """Anything that Lateen itself raises. Its text is fit for a user's terminal."""
