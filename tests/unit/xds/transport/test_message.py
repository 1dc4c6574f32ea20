"""Messages are framed once, whatever their size."""

import hyperframe.frame as h2
import pytest

from lateen.xds.transport import frames
from lateen.xds.transport.message import Message


@pytest.mark.parametrize("size", [0, 1, 16379, 16380, 40000])
def test_framed_message_is_its_content_in_frames_of_one_stream(size: int) -> None:
    message = Message(bytes(size))
    content, rest = b"", message.framed(5)
    while rest:
        found, length = h2.Frame.parse_frame_header(memoryview(rest[:9]))
        assert isinstance(found, h2.DataFrame)
        assert found.stream_id == 5
        assert length <= frames.FRAME_BYTES
        content, rest = content + rest[9 : 9 + length], rest[9 + length :]
    assert content == b"\0" + size.to_bytes(4, "big") + bytes(size)


def test_message_is_framed_once_for_all_calls_with_the_same_stream_id() -> None:
    message = Message(b"x")
    assert message.framed(1) is message.framed(1)
    assert message.framed(1) != message.framed(3)
