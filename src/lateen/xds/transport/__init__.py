"""gRPC over HTTP/2 for a server that sends the same large messages to many streams.

listener.listen()   sockets, TLS
Connection          one HTTP/2 connection: frames, windows, limits
Call                one gRPC call: send(Message), finish(); tells its Receiver what arrives
Message             one outgoing message, framed once for all calls with the same stream id
"""
