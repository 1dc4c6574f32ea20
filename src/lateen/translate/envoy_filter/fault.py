"""Why a patch is not applied. The object that it was for stays as it is without it."""

from lateen.base.errors import LateenError


class PatchFault(LateenError):
    """The text says what is wrong; `hint` what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
